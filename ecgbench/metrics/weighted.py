"""Metrics of weighted records, for many weightings at once: what a bootstrap needs.

A resample of the test split is a vector of how often each record was drawn. Records are sorted
once per class; each resample then costs a few cumulative sums. Weights are whole numbers, so every
count is exact in floating point and the figures do not depend on the machine or on the order of
summation. The plain metrics in :mod:`ecgbench.metrics.classification` are the case of weight one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ecgbench.metrics.checks import Labels, Scores

Weights = NDArray[np.float32]
Values = NDArray[np.float64]
Statistic = Callable[[Labels, Scores, Weights], Values]


def auroc(y: Labels, s: Scores, w: Weights) -> Values:
    """Area under the ROC curve, a tie counting half.

    Args:
        y: [records, classes] checked labels.
        s: [records, classes] checked scores.
        w: [records, resamples] whole numbers of draws.

    Returns:
        [classes, resamples]; NaN where a resample has no positive or no negative record.
    """
    return np.stack([_auroc(*ranked_counts(y[:, k], s[:, k], w)) for k in range(y.shape[1])])


def average_precision(y: Labels, s: Scores, w: Weights) -> Values:
    """Average precision: precision at each positive, averaged (no interpolation).

    Args and returns as for :func:`auroc`.
    """
    return np.stack(
        [_average_precision(*ranked_counts(y[:, k], s[:, k], w)) for k in range(y.shape[1])]
    )


def f1_at(thresholds: Values) -> Statistic:
    """F1 at fixed thresholds, as a statistic of labels, scores and weights.

    Args:
        thresholds: [classes]; a record is called positive where its score reaches the threshold.

    Returns:
        A function like :func:`auroc`. A class whose positives are all missed has F1 0.
    """

    def f1(y: Labels, s: Scores, w: Weights) -> Values:
        called = s >= thresholds
        hits, calls, positives = (_column_sums(chosen, w) for chosen in (y & called, called, y))
        defined = (positives > 0) & (positives < w.sum(axis=0, dtype=np.float64))
        return _ratio(2 * hits, calls + positives, defined)

    return f1


def f1_max(y: Labels, s: Scores, w: Weights) -> Values:
    """The highest F1 that any threshold reaches, found anew in every resample.

    Args and returns as for :func:`auroc`.
    """
    return np.stack([_f1_max(*ranked_counts(y[:, k], s[:, k], w)) for k in range(y.shape[1])])


def ranked_counts(y: NDArray[np.bool_], s: Values, w: Weights) -> tuple[Values, Values]:
    """Count positives and negatives along one class's ranking, highest score first.

    Tied records share a row; neighbouring rows that hold negatives only are merged, which changes
    no ranking metric and makes a rare class cheap.

    Args:
        y: [records].
        s: [records].
        w: [records, resamples].

    Returns:
        Positives and negatives, each [rows, resamples].
    """
    from scipy.sparse import csr_array

    order = np.argsort(-s, kind="stable")
    new_score = np.r_[True, np.diff(s[order]) != 0]
    group = np.cumsum(new_score) - 1
    holds_positive = np.bincount(group, weights=y[order]) > 0
    new_row = np.r_[True, holds_positive[1:] | holds_positive[:-1]]
    row = (np.cumsum(new_row) - 1)[group]
    shape = (int(row[-1]) + 1, len(y))

    def counts(kept: NDArray[np.bool_]) -> Values:
        ones = np.ones(int(kept.sum()), dtype=np.float32)
        sums = csr_array((ones, (row[kept], order[kept])), shape=shape) @ w
        return np.asarray(sums, dtype=np.float64)

    return counts(y[order]), counts(~y[order])


def _auroc(positives: Values, negatives: Values) -> Values:
    through = np.cumsum(positives, axis=0)
    twice_won = (negatives * (2 * through - positives)).sum(axis=0)
    pairs = through[-1] * negatives.sum(axis=0)
    return _ratio(twice_won, 2 * pairs, pairs > 0)


def _average_precision(positives: Values, negatives: Values) -> Values:
    through = np.cumsum(positives, axis=0)
    drawn = through + np.cumsum(negatives, axis=0)
    found = positives * through
    np.divide(found, drawn, out=found, where=drawn > 0)  # positives times precision, row by row
    defined = (through[-1] > 0) & (through[-1] < drawn[-1])
    return _ratio(found.sum(axis=0), through[-1], defined)


def _f1_max(positives: Values, negatives: Values) -> Values:
    through = np.cumsum(positives, axis=0)
    drawn = through + np.cumsum(negatives, axis=0)
    defined = (through[-1] > 0) & (through[-1] < drawn[-1])
    f1 = _ratio(2 * through, drawn + through[-1], np.broadcast_to(defined, drawn.shape))
    return np.asarray(f1.max(axis=0), dtype=np.float64)


def _column_sums(chosen: Labels, w: Weights) -> Values:
    # whole numbers far below 2**24: exact in float32 whatever the order of summation
    return np.asarray(chosen.T.astype(np.float32) @ w, dtype=np.float64)


def _ratio(top: Values, bottom: Values, defined: NDArray[np.bool_]) -> Values:
    ratio: Values = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=ratio, where=defined)
    return ratio
