"""What the settings of CLIP may be."""

from __future__ import annotations

from ecgbench.nn.settings import AnyTower, Size, Temperature, Text, Tower


class CLIPSettings(AnyTower):
    """The defaults are those of small corpora; ``config.yaml`` has the paper's."""

    encoder: Tower = "resnet18"
    text: Text = Text()
    dim: Size = 128
    temperature: Temperature = 0.07
