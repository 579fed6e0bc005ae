"""Methods over many tasks: mean ranks with intervals, Friedman's test, Nemenyi's critical difference.

A mean of AUROCs over tasks is ruled by the tasks that spread most; ranks give every task one vote.
Resamples of the test patients carry over: each gives every task its ranks, and so the mean ranks an
interval. Over tasks the usual test is Friedman's with Nemenyi's critical difference (Demsar 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.base.errors import MetricError

Values = NDArray[np.float64]


class MeanRank(NamedTuple):
    """A method's mean rank over tasks, 1 being the best.

    Attributes:
        value: On the test splits themselves.
        low: Lower limit over resamples.
        high: Upper limit.
    """

    value: float
    low: float
    high: float


class CriticalDifference(NamedTuple):
    """What ranks over tasks can and cannot tell apart.

    Attributes:
        mean_ranks: [methods].
        difference: Mean ranks that differ by less are not told apart (Nemenyi).
        p_value: Friedman's, of all methods being equal.
        groups: Runs of methods that are not told apart, best first; each a tuple of numbers of
            methods in the order of rank. Methods alone stand in no group.
        tasks: How many tasks there are.
    """

    mean_ranks: Values
    difference: float
    p_value: float
    groups: tuple[tuple[int, ...], ...]
    tasks: int


def ranks(values: ArrayLike) -> Values:
    """Rank methods within each task; equal values share the mean of their ranks.

    Args:
        values: [methods, ...] higher is better; the other axes are tasks, resamples and so on.

    Returns:
        The same shape, 1 for the best.

    Raises:
        MetricError: A value is missing: a mean rank over different tasks compares nothing.
    """
    from scipy.stats import rankdata

    table = np.asarray(values, dtype=np.float64)
    if table.ndim < 1 or table.size == 0:
        raise MetricError("there is nothing to rank")
    if np.isnan(table).any():
        raise MetricError(
            "a method has no value for some task",
            "Rank the methods over the tasks that all of them have, and say which those are.",
        )
    return np.asarray(rankdata(-table, axis=0), dtype=np.float64)


def mean_ranks(
    values: ArrayLike, draws: Sequence[ArrayLike], level: float = 0.95
) -> list[MeanRank]:
    """Mean rank over tasks, with an interval over resamples of the tasks' patients.

    Args:
        values: [methods, tasks] on the test splits.
        draws: One [methods, resamples] per task, the same resamples for all methods of a task;
            tasks on one data set share their resamples, which keeps them correlated as they are.
            Resamples in which a method is undefined are left out.
        level: Coverage of the interval.

    Returns:
        One a method. The interval is of percentiles: a rank has no standard error to speak of.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(draws):
        raise MetricError(f"values of shape {table.shape} for the draws of {len(draws)} tasks")
    resampled = np.stack([np.asarray(task, dtype=np.float64) for task in draws], axis=1)
    resampled = resampled[:, :, ~np.isnan(resampled).any(axis=(0, 1))]
    if resampled.shape[2] < 2:
        raise MetricError("no resample defines every method on every task")
    means = ranks(resampled).mean(axis=1)
    tail = 50 * (1 - level)
    low, high = np.percentile(means, [tail, 100 - tail], axis=1)
    points = ranks(table).mean(axis=1)
    return [MeanRank(*map(float, row)) for row in zip(points, low, high, strict=True)]


def critical_difference(values: ArrayLike, alpha: float = 0.05) -> CriticalDifference:
    """Friedman's test over tasks and Nemenyi's critical difference of mean ranks.

    Tasks count as independent, which label sets of one data set are not: the difference is then too
    small, and the diagram a summary more than a test.

    Args:
        values: [methods, tasks], higher is better.
        alpha: Level.

    Raises:
        MetricError: Fewer than two methods or tasks, or a missing value.
    """
    from scipy.stats import friedmanchisquare, studentized_range

    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2:
        raise MetricError(
            f"a critical difference of values of shape {table.shape}",
            "It needs two methods and two tasks at the least.",
        )
    methods, tasks = table.shape
    means = ranks(table).mean(axis=1)
    quantile = float(studentized_range.ppf(1 - alpha, methods, np.inf)) / np.sqrt(2)
    difference = float(quantile * np.sqrt(methods * (methods + 1) / (6 * tasks)))
    p_value = float(friedmanchisquare(*table).pvalue) if methods > 2 else _sign_test(table)
    return CriticalDifference(means, difference, p_value, _groups(means, difference), tasks)


def smallest_separable(
    standard_errors: ArrayLike, alpha: float = 0.05, power: float = 0.5
) -> float:
    """The difference that a test split separates, for a typical pair of methods.

    Args:
        standard_errors: [pairs] of paired differences, as :func:`ecgbench.stats.bootstrap.compare`
            gives them; NaN for pairs that could not be compared. A pair with an error of 0 said the
            same on every resample, and tells nothing of what a difference would take.
        alpha: Level of the test, corrected for several comparisons by the caller if it should be.
        power: Share of cases in which a true difference of this size is found. At one half it is
            also the smallest measured difference that is significant; plan a study with 0.8.

    Returns:
        (z of alpha + z of power) times the median standard error; NaN where there is none.
    """
    from scipy.special import ndtri

    errors = np.asarray(standard_errors, dtype=np.float64)
    errors = errors[np.isfinite(errors) & (errors > 0)]
    if not errors.size:
        return float("nan")
    return float((ndtri(1 - alpha / 2) + ndtri(power)) * np.median(errors))


def _sign_test(table: Values) -> float:
    """What Friedman's test is for two methods, exactly."""
    from scipy.stats import binomtest

    wins, losses = int((table[0] > table[1]).sum()), int((table[0] < table[1]).sum())
    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def _groups(means: Values, difference: float) -> tuple[tuple[int, ...], ...]:
    order = np.argsort(means, kind="stable")
    found: list[tuple[int, ...]] = []
    end_of_last = 0
    for start in range(len(order)):
        near = means[order] - means[order[start]] < difference
        end = int(np.flatnonzero(near).max()) + 1
        if end - start > 1 and end > end_of_last:
            found.append(tuple(int(number) for number in order[start:end]))
            end_of_last = end
    return tuple(found)
