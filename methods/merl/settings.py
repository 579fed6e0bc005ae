"""What the settings of MERL may be."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ecgbench.config.settings import Weight
from ecgbench.nn.settings import Size, Sizes, Temperature, Text, Vit, other_sizes


class MERLSettings(Sizes):
    """The defaults are those of small corpora; ``config.yaml`` has the paper's."""

    encoder: Literal["resnet18", "channel-vit"] = "resnet18"
    vit: Vit = Vit(depth=6, heads=3)  # as its ViT-Tiny, smaller
    text: Text = Text()
    dim: Size = 128
    temperature: Temperature = 0.07  # fixed
    dropout: Annotated[float, Field(ge=0, le=0.9)] = 0.1  # of the two views
    uma: Weight = 1.0  # weight of the ECG-only term
    mask_equal_reports: bool = False  # true: equal reports are no negatives of each other

    @model_validator(mode="after")
    def _heads_share_dim(self) -> Self:
        if self.encoder == "resnet18" and self.dim % 4:
            raise ValueError(f"dim cannot be {self.dim}: the attention pool takes a multiple of 4")
        return self

    def unread(self) -> list[str]:
        """The sizes of the other encoder; a ChannelViT has neither separators nor a choice of pools."""
        other = other_sizes(self.encoder)
        return [*super().unread(), *other, "vit.separators", "vit.pool"]
