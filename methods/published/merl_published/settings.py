"""What the settings of merl_published may be."""

from __future__ import annotations

from ecgbench.config.settings import Settings
from ecgbench.nn.settings import Widths
from ecgbench.published.settings import PublishedSettings


class ResNetSizes(Settings):
    """A ResNet1d-18."""

    widths: Widths = (64, 128, 256, 512)


class MERLSettings(PublishedSettings):
    """Where the weights are, and the sizes of their network."""

    network: ResNetSizes = ResNetSizes()
