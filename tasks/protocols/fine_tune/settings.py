"""The settings of fine-tuning; the section ``finetune`` of the configuration is its schedule."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ecgbench.config.sections import ProtocolSettings


class FineTuneSettings(ProtocolSettings):
    """Fine-tuning on a share of the training records."""

    fraction: Annotated[float, Field(gt=0, le=1)]
