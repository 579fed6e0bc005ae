"""What the settings of d_beta may be."""

from __future__ import annotations

from ecgbench.nn.settings import Depth, Size
from ecgbench.published.settings import PublishedSettings, WaveSizes


class DBetaSizes(WaveSizes):
    """A wav2vec 2.0 tower of eight layers."""

    channels: Size = 256
    width: Size = 768
    depth: Depth = 8
    heads: Size = 12


class DBETASettings(PublishedSettings):
    """Where the weights are, and the sizes of their network."""

    network: DBetaSizes = DBetaSizes()
