"""Intervals and tests of one figure from its standard error and degrees of freedom."""

from __future__ import annotations

import math
from typing import NamedTuple

LEVEL = 0.05
"""Of every test; intervals hold ``1 - LEVEL``."""


class Error(NamedTuple):
    """How far a figure may lie from its true value; NaN where nothing is known.

    Attributes:
        se: Standard error.
        freedom: Degrees of freedom of Student's t.
    """

    se: float
    freedom: float


UNKNOWN = Error(math.nan, math.nan)


class Span(NamedTuple):
    """Limits of an interval; NaN where nothing is known of the spread."""

    low: float
    high: float


NOTHING = Span(math.nan, math.nan)


def limits(value: float, error: Error, patients: float, level: float = 1 - LEVEL) -> Span:
    """The interval of a figure between 0 and 1, built on the logit scale.

    Args:
        value: The figure; outside 0 to 1 (a median rank) the interval is on the figure's own scale.
        error: Of the figure.
        patients: Effective patients. They give a figure of 0 or 1 that no resample changes the limits
            of Wilson (1927) for a proportion.
        level: Coverage.
    """
    if not math.isfinite(error.se):
        return NOTHING
    if value in (0.0, 1.0) and error.se == 0:
        z_squared = quantile(math.inf, level) ** 2
        edge = z_squared / (z_squared + patients)
        return Span(1 - edge, 1.0) if value == 1 else Span(0.0, edge)
    if not 0 < value < 1:
        return plain_limits(value, error, level)
    reach = quantile(error.freedom, level) * error.se / (value * (1 - value))
    middle = math.log(value / (1 - value))
    return Span(_logistic(middle - reach), _logistic(middle + reach))


def plain_limits(value: float, error: Error, level: float = 1 - LEVEL) -> Span:
    """The interval of a difference, alike to both sides."""
    reach = quantile(error.freedom, level) * error.se
    return Span(value - reach, value + reach)


def p_of_value(value: float, wanted: float, error: Error) -> float:
    """Two-sided p-value of a figure that should be ``wanted``; below 5 % where :func:`limits` miss it."""
    from scipy.special import stdtr

    difference, se = value - wanted, error.se
    if difference == 0 or se == 0:
        return 1.0 if difference == 0 else 0.0
    if 0 < value < 1 and 0 < wanted < 1:
        difference = math.log(value / (1 - value)) - math.log(wanted / (1 - wanted))
        se /= value * (1 - value)
    return float(2 * stdtr(error.freedom, -abs(difference) / se))


def quantile(freedom: float, level: float = 1 - LEVEL) -> float:
    """Two-sided quantile of Student's t; infinite degrees of freedom give the normal distribution's."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + level / 2))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
