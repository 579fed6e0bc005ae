"""What the settings of ecg_jepa may be."""

from __future__ import annotations

from ecgbench.nn.settings import Depth, Size
from ecgbench.published.settings import PatchSizes, PublishedSettings


class JepaSizes(PatchSizes):
    """A ViT-B/50."""

    patch: Size = 50
    width: Size = 768
    depth: Depth = 12
    heads: Size = 16


class ECGJEPASettings(PublishedSettings):
    """Where the weights are, and the sizes of their network."""

    network: JepaSizes = JepaSizes()
