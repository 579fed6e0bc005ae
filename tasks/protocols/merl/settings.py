"""What the settings of MERL's linear probe may be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ecgbench.config.sections import Decay, LearningRate, ProtocolSettings, SignalSettings
from ecgbench.config.settings import Count, CountOrZero


class MerlSettings(ProtocolSettings):
    """The schedule of MERL's code, and the share of its training records.

    Attributes:
        fraction: Share of the training records.
        epoch: Whose head predicts: the best on validation, or the last.
        signal: The input that a method must be configured for.
        first_seconds: By family of data sets, the seconds of a record that are read.
        epochs: Of the training.
        batch_size: Records.
        lr: Learning rate of Adam.
        weight_decay: L2 in Adam's gradient.
        milestone: Step of the scheduler at which the rate falls.
        gamma: Factor by which the rate falls.
        seed: Of the weights and the order.
    """

    fraction: Annotated[float, Field(gt=0, le=1)]
    epoch: Literal["validation", "last"]
    signal: SignalSettings
    first_seconds: dict[str, Annotated[float, Field(gt=0, le=3600)]]
    epochs: Annotated[int, Field(ge=1, le=10**5)]
    batch_size: Annotated[int, Field(ge=1, le=10**6)]
    lr: LearningRate
    weight_decay: Decay
    milestone: Count
    gamma: Annotated[float, Field(gt=0, le=1)]
    seed: CountOrZero
