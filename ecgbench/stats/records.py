"""Patient bootstrap of figures made from records: means, shares, ratios of sums, medians.

What :mod:`ecgbench.stats.bootstrap` is for classes, this is for texts and retrieval: each record has
its own values, and a figure is a function of their sums. The result is the same kind of object, with
figures in the place of classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.base.errors import MetricError
from ecgbench.stats.bootstrap import Bootstrap, Interval
from ecgbench.stats.resample import Design

Values = NDArray[np.float64]


def bootstrap_sums(
    values: ArrayLike,
    figures: Callable[[Values], Values],
    patients: Sequence[str],
    resamples: int = 1000,
    seed: int = 0,
) -> Bootstrap:
    """Figures of sums over records, e.g. BLEU from counts or micro F1 from hits.

    Args:
        values: [records, columns] what is summed; finite.
        figures: From [columns, resamples] sums to [figures, resamples].
        patients: [records] the patient of each record.
        resamples: How many.
        seed: As in :func:`ecgbench.stats.bootstrap.bootstrap`, whose resamples it shares.

    Raises:
        MetricError: NaN or infinite values, or another number of patients.
    """
    table = _checked(values, patients)
    design = Design.of(patients, resamples, seed)
    point = figures(table.sum(axis=0)[:, None])[:, 0]
    draws = [figures(table.T @ w.astype(np.float64)) for w in design.weights()]
    return _of(point, np.concatenate(draws, axis=1), design)


def bootstrap_means(
    values: ArrayLike, patients: Sequence[str], resamples: int = 1000, seed: int = 0
) -> Bootstrap:
    """Means over records, one a column, e.g. ROUGE or a recall's hits.

    Args:
        values: [records, columns].
        patients: [records].
        resamples: How many.
        seed: Where the random numbers start.
    """
    table = _checked(values, patients)
    counted = np.column_stack([table, np.ones(len(table))])
    return bootstrap_sums(counted, lambda sums: sums[:-1] / sums[-1], patients, resamples, seed)


def bootstrap_medians(
    values: ArrayLike, patients: Sequence[str], resamples: int = 1000, seed: int = 0
) -> Bootstrap:
    """Medians over records, one a column, e.g. of ranks; see :func:`percentile_intervals`.

    Args:
        values: [records, columns].
        patients: [records].
        resamples: How many.
        seed: Where the random numbers start.
    """
    table = _checked(values, patients)
    design = Design.of(patients, resamples, seed)
    once = np.ones((len(table), 1), dtype=np.float32)

    def medians(w: NDArray[np.float32]) -> Values:
        return np.stack([_median(column, w) for column in table.T])

    draws = np.concatenate([medians(w) for w in design.weights()], axis=1)
    return _of(medians(once)[:, 0], draws, design)


def percentile_intervals(result: Bootstrap, level: float = 0.95) -> list[Interval]:
    """Plain percentile intervals, one a figure: for medians, and whatever has no scale of 0 to 1."""
    tail = 50 * (1 - level)
    intervals = []
    for value, row in zip(result.point, result.draws, strict=True):
        defined = row[~np.isnan(row)]
        lost = len(row) - len(defined)
        if len(defined) < 2:
            intervals.append(Interval(float(value), np.nan, np.nan, np.nan, lost, 1))
            continue
        low, high = np.percentile(defined, [tail, 100 - tail])
        se = float(np.std(defined, ddof=1))
        intervals.append(Interval(float(value), float(low), float(high), se, lost, 1))
    return intervals


def _median(values: Values, w: NDArray[np.float32]) -> Values:
    """Median of values drawn several times: the mean of the two middle ones."""
    order = np.argsort(values, kind="stable")
    through = np.cumsum(w[order], axis=0, dtype=np.float64)
    total = through[-1]
    low = (through < np.ceil(total / 2)).sum(axis=0)
    high = (through < np.floor(total / 2) + 1).sum(axis=0)
    middle = values[order]
    return np.asarray((middle[low] + middle[high]) / 2, dtype=np.float64)


def _checked(values: ArrayLike, patients: Sequence[str]) -> Values:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or len(table) != len(patients):
        raise MetricError(f"values of shape {table.shape} for {len(patients)} records' patients")
    if not np.isfinite(table).all():
        raise MetricError("a record's value is NaN or infinite")
    return table


def _of(point: Values, draws: Values, design: Design) -> Bootstrap:
    records = np.bincount(design.patient_of, minlength=design.patients).astype(np.float64)
    effective = records.sum() ** 2 / (records**2).sum()
    return Bootstrap(point, draws, np.full(len(point), effective), design.key)
