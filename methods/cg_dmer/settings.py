"""What the settings of CG-DMER may be."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ecgbench.config.settings import Settings, Weight
from ecgbench.nn.settings import Decoder, Mask, MaskedVit, Size, Text


class MaskWithWords(Mask):
    """What is hidden of ECG and report."""

    words: Annotated[float, Field(ge=0.01, le=1)] = 0.25


class Weights(Settings):
    """Weights of the terms; one of the first three has to count."""

    ecg: Weight = 1.0
    mlm: Weight = 1.0
    align: Weight = 1.0
    orthogonality: Weight = 0.1

    @model_validator(mode="after")
    def _something_is_learnt(self) -> Self:
        if not self.ecg + self.mlm + self.align:
            raise ValueError("align cannot be 0 together with ecg and mlm")
        return self


class CGDMERSettings(Settings):
    """The defaults are those of small corpora; ``config.yaml`` has the paper's."""

    vit: MaskedVit = MaskedVit()
    decoder: Decoder = Decoder()
    mask: MaskWithWords = MaskWithWords(leads=0.5)
    text: Text = Text()
    dim: Size = 128
    specific: bool = True  # false: no modality-specific encoders
    alignment: Literal["sigmoid", "infonce"] = "sigmoid"
    # Of the sigmoid at the start: minus the logarithm of the batch (SigLIP's batch is 32,768).
    bias: Annotated[float, Field(ge=-100, le=100)] = -10.0
    weights: Weights = Weights()
    feature: Literal["pooled", "shared", "both"] = "pooled"
