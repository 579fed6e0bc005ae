"""What the settings of st_mem_published may be."""

from __future__ import annotations

from ecgbench.nn.settings import Depth, Size
from ecgbench.published.settings import PatchSizes, PublishedSettings


class StMemSizes(PatchSizes):
    """A ViT-B/75."""

    patch: Size = 75
    width: Size = 768
    depth: Depth = 12
    heads: Size = 12


class STMEMSettings(PublishedSettings):
    """Where the weights are, and the sizes of their network."""

    network: StMemSizes = StMemSizes()
