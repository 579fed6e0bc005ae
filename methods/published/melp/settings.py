"""What the settings of melp may be."""

from __future__ import annotations

from ecgbench.nn.settings import Depth, Size
from ecgbench.published.settings import PublishedSettings, WaveSizes


class MelpSizes(WaveSizes):
    """A wav2vec 2.0 tower of eight layers, and the queries that attend to its tokens."""

    channels: Size = 256
    width: Size = 768
    depth: Depth = 8
    heads: Size = 12
    queries: Size = 13
    out: Size = 256
    query_heads: Size = 8


class MELPSettings(PublishedSettings):
    """Where the weights are, and the sizes of their network."""

    network: MelpSizes = MelpSizes()
