"""What the records of a row say together: its mean, its interval, and how it compares with others.

Works on the replicates that every record holds, so it needs neither labels nor predictions. All methods
on a question are scored on the same resamples of its patients (:mod:`ecgbench.evaluation.scoring`), hence
the mean over seeds and draws of a row has replicates too, and two rows are compared resample by resample. An
interval is of the patients: it says how far the figure would move on other patients, given these
trained models. How far it moves over seeds and draws stands beside it as two standard deviations. Only a
control's interval holds its draws' spread too (:mod:`ecgbench.stats.control`).

As in :mod:`ecgbench.stats.bootstrap`, standard errors are corrected for few patients, and intervals have
Student's quantiles with degrees of freedom by Satterthwaite's formula from the variance of each class.
For a pair of rows, whose variances by class of the difference are not stored, those of the two rows are
added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgbench.results.replicates import unpack
from ecgbench.results.schema import ClassFigures, Figure, Result
from ecgbench.stats.bootstrap import few_patients
from ecgbench.stats.control import error_over_draws

Values = NDArray[np.float64]
LEVEL = 0.05


@dataclass(frozen=True)
class Evidence:
    """A macro figure with what is needed to judge it.

    Attributes:
        value: The figure.
        replicates: ``[resamples]``, NaN where undefined.
        spread: ``[k]`` variance over resamples of each scored class that has one.
        patients: ``[k]`` effective patients of those classes.
    """

    value: float
    replicates: Values
    spread: Values
    patients: Values


class Span(NamedTuple):
    """A 95 % interval; NaN where nothing is known of the spread."""

    low: float
    high: float


def evidence_of(result: Result, metric: str) -> Evidence | None:
    """What one record says of a metric; None where it is undefined or has no replicates."""
    scores = result.scores
    figure = scores.figures.get(metric) if scores else None
    if scores is None or figure is None or figure.value is None or metric not in scores.replicates:
        return None
    replicates = unpack(scores.replicates[metric])
    pairs = [_class_spread(entry, metric) for entry in scores.classes]
    known = [pair for pair in pairs if pair is not None]
    if not known:  # no classes: the records themselves are averaged
        patients = scores.patients or 0.0
        known = [(float(np.nanvar(replicates, ddof=1)), patients)] if patients >= 2 else []
    return Evidence(
        figure.value,
        replicates,
        np.array([spread for spread, _ in known]),
        np.array([patients for _, patients in known]),
    )


def _class_spread(entry: ClassFigures, metric: str) -> tuple[float, float] | None:
    name = "f1" if metric.startswith("f1") else metric
    figure: Figure | None = getattr(entry, name, None)
    if figure is None or figure.se is None or entry.patients is None or entry.patients < 2:
        return None
    return figure.se**2 * (entry.patients - 1) / entry.patients, entry.patients


def mean_of(runs: Sequence[Evidence]) -> Evidence:
    """The mean over runs (seeds and draws) on the same resamples."""
    if len(runs) == 1:
        return runs[0]
    same_classes = len({len(run.spread) for run in runs}) == 1
    return Evidence(
        math.fsum(run.value for run in runs) / len(runs),
        np.mean([run.replicates for run in runs], axis=0),
        np.mean([run.spread for run in runs], axis=0) if same_classes else runs[0].spread,
        runs[0].patients,
    )


def interval(item: Evidence) -> Span:
    """The 95 % interval of a figure, on the logit scale where it lies between 0 and 1."""
    se, freedom = standard_error(item)
    if not math.isfinite(se):
        return Span(math.nan, math.nan)
    return limits(item.value, se, freedom, float(item.patients.min()))


def interval_over_draws(draws: Sequence[Evidence]) -> Span:
    """The 95 % interval of a control's mean over draws, whose spread is part of its error."""
    together = mean_of(draws)
    se, freedom = error_of_draws(draws)
    if not math.isfinite(se):
        return Span(math.nan, math.nan)
    return limits(together.value, se, freedom, float(together.patients.min()))


def error_of_draws(draws: Sequence[Evidence]) -> tuple[float, float]:
    """Standard error of the mean over two or more draws, and its degrees of freedom."""
    together = mean_of(draws)
    if not len(together.spread):
        return math.nan, math.nan
    return error_over_draws(
        [item.value for item in draws],
        [item.replicates for item in draws],
        *few_patients(together.spread, together.patients),
    )


def standard_error(item: Evidence) -> tuple[float, float]:
    """Standard error of a figure and its degrees of freedom; NaN where nothing is known."""
    draws = item.replicates[~np.isnan(item.replicates)]
    if len(draws) < 2 or not len(item.spread):
        return math.nan, math.nan
    inflation, freedom = few_patients(item.spread, item.patients)
    return math.sqrt(float(np.var(draws, ddof=1)) * inflation), freedom


def limits(value: float, se: float, freedom: float, patients: float) -> Span:
    """The 95 % interval of a figure from its standard error.

    Args:
        value: The figure.
        se: Its standard error.
        freedom: Degrees of freedom.
        patients: Effective patients, for a figure of 0 or 1 that no resample changes.
    """
    from scipy.special import stdtrit

    if value in (0.0, 1.0) and se == 0:
        z = 1.959963984540054
        edge = z * z / (z * z + patients)
        return Span(1 - edge, 1.0) if value == 1 else Span(0.0, edge)
    reach = float(stdtrit(freedom, 1 - LEVEL / 2)) * se
    if not 0 < value < 1:
        return Span(value - reach, value + reach)
    middle = math.log(value / (1 - value))
    scaled = reach / (value * (1 - value))
    return Span(_logistic(middle - scaled), _logistic(middle + scaled))


def p_of_value(value: float, wanted: float, se: float, freedom: float) -> float:
    """Two-sided p-value of a figure that should be ``wanted``; below 5 % where :func:`limits` miss it."""
    from scipy.special import stdtr

    difference = value - wanted
    if difference == 0 or se == 0:
        return 1.0 if difference == 0 else 0.0
    if 0 < value < 1 and 0 < wanted < 1:
        difference = math.log(value / (1 - value)) - math.log(wanted / (1 - wanted))
        se /= value * (1 - value)
    return float(2 * stdtr(freedom, -abs(difference) / se))


def p_values(items: Sequence[Evidence]) -> Values:
    """Two-sided p-values ``[n, n]`` of no difference, uncorrected; NaN where nothing can be said.

    The normal distribution's, as :func:`ecgbench.stats.bootstrap.compare` has them.
    """
    from scipy.special import ndtr

    values = np.array([item.value for item in items])
    difference, se = values[:, None] - values[None, :], paired_errors(items)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * ndtr(-np.abs(difference) / se)
    # Equal on every resample: the same predictions. Different, yet always by the same: unjudged.
    return np.where(difference == 0, 1.0, np.where(se > 0, p, np.nan))


def paired_errors(items: Sequence[Evidence]) -> Values:
    """Standard errors ``[n, n]`` of the differences between rows; NaN on the diagonal."""
    n = len(items)
    se = np.full((n, n), np.nan)
    draws = np.stack([item.replicates for item in items])
    for i in range(n - 1):
        variance = np.nanvar(draws[i + 1 :] - draws[i], axis=1, ddof=1)
        for j, spread in zip(range(i + 1, n), variance, strict=True):
            if len(items[i].spread) and len(items[i].spread) == len(items[j].spread):
                inflation, _ = few_patients(items[i].spread + items[j].spread, items[i].patients)
                se[i, j] = se[j, i] = math.sqrt(float(spread) * inflation)
    return se


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
