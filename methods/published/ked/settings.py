"""What the settings of ked may be."""

from __future__ import annotations

from ecgbench.config.settings import Settings
from ecgbench.nn.settings import Widths
from ecgbench.published.settings import PublishedSettings


class KedSizes(Settings):
    """An xresnet1d-101 whose stages widen: inner channels and blocks of the stages."""

    widths: Widths = (64, 128, 128, 192)
    blocks: Widths = (3, 4, 23, 3)


class KEDSettings(PublishedSettings):
    """Where the weights are, and the sizes of their network."""

    network: KedSizes = KedSizes()
