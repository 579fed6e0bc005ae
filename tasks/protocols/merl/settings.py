"""The settings of MERL's linear probe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ecgbench.config.sections import Decay, LearningRate, ProtocolSettings, SignalSettings
from ecgbench.config.settings import Count, CountOrZero


class MerlSettings(ProtocolSettings):
    """The schedule of MERL's code, and the share of the training records.

    Attributes:
        fraction: Share of the training records.
        epoch: Epoch of the predicting head: the best on validation, or the last.
        signal: Input settings that a method must have.
        first_seconds: Seconds of a record that are read, by family of data sets.
        epochs: Number of training epochs.
        batch_size: Records per batch.
        lr: Learning rate of Adam.
        weight_decay: L2 in Adam's gradient.
        milestone: Step of the scheduler at which the learning rate falls.
        gamma: Factor by which the learning rate falls.
        seed: Random seed of the weights and of the order of records.
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
