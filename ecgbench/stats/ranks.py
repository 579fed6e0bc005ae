"""Methods over many tasks: ranks, Friedman's test and Nemenyi's critical difference (Demsar 2006).

The tasks that spread most decide a mean of AUROCs over tasks; ranks give every task one vote. Intervals of
mean ranks come from the tests within each task (:mod:`ecgbench.stats.standings`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.base.errors import MetricError

Values = NDArray[np.float64]


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
