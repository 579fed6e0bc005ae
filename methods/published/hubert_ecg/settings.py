"""What the settings of hubert_ecg may be."""

from __future__ import annotations

from ecgbench.nn.settings import Depth, Size
from ecgbench.published.settings import PublishedSettings, WaveSizes


class HubertSizes(WaveSizes):
    """A HuBERT of twelve layers."""

    channels: Size = 512
    width: Size = 768
    depth: Depth = 12
    heads: Size = 12


class HuBERTECGSettings(PublishedSettings):
    """Where the weights are, and the sizes of their network."""

    network: HubertSizes = HubertSizes()
