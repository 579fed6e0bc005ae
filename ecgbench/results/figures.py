"""How a number stands in a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecgbench.results.schema import Figure

if TYPE_CHECKING:
    from ecgbench.stats.bootstrap import Interval

METRIC_VERSION = 1
DIGITS = 10  # of a figure in a record: what a last bit of floating point may change is cut off


def figure_of(interval: Interval) -> Figure:
    """An interval as records hold it."""
    return Figure(
        value=number_of(interval.value),
        low=number_of(interval.low),
        high=number_of(interval.high),
        se=number_of(interval.se),
    )


def number_of(value: float | np.floating) -> float | None:
    """A number in the digits of a record; None for NaN."""
    return round(float(value), DIGITS) + 0.0 if np.isfinite(value) else None
