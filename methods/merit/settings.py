"""What the settings of MERIT may be."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from ecgbench.config.settings import Settings, Weight
from ecgbench.nn.settings import Decoder, Mask, MaskedVit, Size, Temperature, Text


class Weights(Settings):
    """Weights of the terms; a term of weight 0 is not computed."""

    reconstruction: Weight = 1.0
    contrast: Weight = 1.0  # lambda

    @model_validator(mode="after")
    def _something_is_learnt(self) -> Self:
        if not self.reconstruction + self.contrast:
            raise ValueError("contrast cannot be 0 together with reconstruction")
        return self


class MERITSettings(Settings):
    """The defaults are those of small corpora; ``config.yaml`` has the paper's."""

    vit: MaskedVit = MaskedVit()
    decoder: Decoder = Decoder()
    mask: Mask = Mask()
    text: Text = Text()
    dim: Size = 128
    temperature: Temperature = 0.07  # at the start; learnt
    weights: Weights = Weights()
    separate_encoders: bool = False
    layer_fusion: Literal["last", "mean", "gated"] = "last"
