"""What the settings of ecgfounder may be."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from ecgbench.config.settings import Settings
from ecgbench.nn.settings import Size
from ecgbench.published.settings import PublishedSettings


class Net1dSizes(Settings):
    """A Net1D: channels of the stem, channels and blocks of the stages."""

    stem: Size = 64
    widths: tuple[Size, ...] = (64, 160, 160, 400, 400, 1024, 1024)
    blocks: tuple[Size, ...] = (2, 2, 2, 3, 3, 4, 4)

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if len(self.widths) != len(self.blocks) or not self.widths:
            raise ValueError("blocks cannot differ from widths in length: each stage has both")
        if any(width % 16 for width in self.widths):
            raise ValueError(
                "widths cannot be anything but multiples of 16, the channels of a group"
            )
        return self


class ECGFounderSettings(PublishedSettings):
    """Where the weights are, and the sizes of their network."""

    network: Net1dSizes = Net1dSizes()
