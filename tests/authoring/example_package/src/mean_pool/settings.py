"""Type, range and default of each setting of Mean pool."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ecgbench.config.settings import Settings


class MeanPoolSettings(Settings):
    """Section `model` of the configuration, e.g. `model.width=32` on the command line."""

    width: Annotated[int, Field(ge=1, le=4096)] = 64
    hidden: Annotated[float, Field(ge=0.05, le=0.95)] = 0.5  # share of the samples
