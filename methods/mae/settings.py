"""What the settings of MAE may be."""

from __future__ import annotations

from typing import Literal

from ecgbench.config.settings import Settings
from ecgbench.nn.settings import Decoder, Mask, MaskedVit


class MAESettings(Settings):
    """The defaults are those of small corpora; ``config.yaml`` has the paper's."""

    vit: MaskedVit = MaskedVit()
    decoder: Decoder = Decoder()
    mask: Mask = Mask()
    feature: Literal["pooled", "over-time"] = "over-time"  # pooled: as vit.pool says
