"""KED's xresnet1d (Tian et al., Cell Reports Medicine 2024) with its published weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ecgbench.methods.published.ked.settings import KEDSettings
from torch import Tensor, nn

from ecgbench.nn.resnet import XBlock
from ecgbench.nn.towers import Tower
from ecgbench.plugins.published import preset_in
from ecgbench.published.encoder import PublishedEncoder
from ecgbench.published.weights import Names

STEM = (32, 32, 64)
BLOCKS = (3, 4, 23, 3)
KERNEL = 5


class KedNet(Tower):
    """The xresnet1d101 of Strodthoff et al. with stages that widen; its feature is the mean over time.

    Args:
        leads: Input channels.
        widths: Inner channels of the stages; outside a stage is four times as wide.
        blocks: Blocks of each stage.
    """

    def __init__(self, leads: int, widths: Sequence[int], blocks: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, channels in zip((leads, *STEM), STEM, strict=False):
            stride = 1 if layers else 2
            conv = nn.Conv1d(before, channels, KERNEL, stride, padding=KERNEL // 2, bias=False)
            layers.append(nn.Sequential(conv, nn.BatchNorm1d(channels), nn.ReLU()))
        layers.append(nn.MaxPool1d(3, 2, 1))
        previous = STEM[-1]
        for number, (width, depth) in enumerate(zip(widths, blocks, strict=True)):
            stage = []
            for place in range(depth):
                stride = 2 if number > 0 and place == 0 else 1
                stage.append(XBlock(previous, width, stride, KERNEL))
                previous = 4 * width
            layers.append(nn.Sequential(*stage))
        self.layers = nn.Sequential(*layers)
        self.width = self.features = previous

    def forward(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` to tokens ``[B, N, width]``, one per position of the feature map."""
        tokens: Tensor = self.layers(ecg).transpose(1, 2)
        return tokens

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean over time."""
        return tokens.mean(1)


class KED(PublishedEncoder):
    """The signal encoder; the knowledge-enhanced classifier and the text encoder are not used."""

    preset = preset_in(__file__, "config.yaml")
    names: ClassVar[Names] = {
        r"^(\d)\.": r"layers.\1.",
        r"\.convpath\.0\.0\.0\.": ".body.0.",
        r"\.convpath\.0\.0\.1\.": ".body.1.",
        r"\.convpath\.0\.1\.0\.": ".body.3.",
        r"\.convpath\.0\.1\.1\.": ".body.4.",
        r"\.convpath\.0\.2\.0\.": ".body.6.",
        r"\.convpath\.0\.2\.1\.": ".body.7.",
        r"\.idpath\.0\.([01])\.": r".shortcut.\1.",
        r"\.idpath\.1\.0\.": ".shortcut.1.",  # a stage's first block pools before the convolution
        r"\.idpath\.1\.1\.": ".shortcut.2.",
    }

    def network(self, config: KEDSettings, samples: int) -> Tower:
        """An xresnet1d whose last stage is 768 wide."""
        return KedNet(len(self.preset.leads), config.network.widths, config.network.blocks)
