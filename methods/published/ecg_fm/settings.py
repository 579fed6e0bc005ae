"""What the settings of ecg_fm may be."""

from __future__ import annotations

from ecgbench.nn.settings import Depth, Size
from ecgbench.published.settings import PublishedSettings, WaveSizes


class EcgFmSizes(WaveSizes):
    """A wav2vec 2.0 tower of twelve layers."""

    channels: Size = 256
    width: Size = 768
    depth: Depth = 12
    heads: Size = 12


class ECGFMSettings(PublishedSettings):
    """Where the weights are, and the sizes of their network."""

    network: EcgFmSizes = EcgFmSizes()
