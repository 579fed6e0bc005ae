"""Metrics of weighted records, for many weightings at once: what a bootstrap needs.

A resample of the test split is a vector of how often each record was drawn. Records are sorted
once per class; each resample then costs a few cumulative sums. Weights are whole numbers, so every
count is exact in floating point and the figures do not depend on the machine or on the order of
summation. The plain metrics in :mod:`ecgbench.metrics.classification` are the case of weight one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.metrics.checks import Labels, Scores

Weights = NDArray[np.float32]
Values = NDArray[np.float64]


def auroc(labels: Labels, scores: Scores, weights: Weights) -> Values:
    """Area under the ROC curve, a tie counting half.

    Args:
        labels: [records, classes] checked labels.
        scores: [records, classes] checked scores.
        weights: [records, resamples] whole numbers of draws.

    Returns:
        [classes, resamples]; NaN where a resample has no positive or no negative record.
    """
    return _by_class(_auroc, labels, scores, weights)


def average_precision(labels: Labels, scores: Scores, weights: Weights) -> Values:
    """Average precision: precision at each positive, averaged (no interpolation).

    Args and returns as for :func:`auroc`.
    """
    return _by_class(_average_precision, labels, scores, weights)


def f1_at(labels: Labels, scores: Scores, weights: Weights, thresholds: Values) -> Values:
    """F1 at fixed thresholds.

    Args:
        labels: ``[records, classes]``.
        scores: ``[records, classes]``.
        weights: ``[records, resamples]``.
        thresholds: ``[classes]``; a record is called positive where its score reaches the threshold.

    Returns:
        As for :func:`auroc`. A class whose positives are all missed has F1 0; a class whose threshold is
        NaN has none.
    """
    called = scores >= thresholds
    hits, calls, positives = (
        _column_sums(chosen, weights) for chosen in (labels & called, called, labels)
    )
    defined = (positives > 0) & (positives < weights.sum(axis=0, dtype=np.float64))
    defined &= ~np.isnan(thresholds)[:, None]
    return _ratio(2 * hits, calls + positives, defined)


def f1_max(labels: Labels, scores: Scores, weights: Weights) -> Values:
    """The highest F1 that any threshold reaches, found anew in every resample.

    Args and returns as for :func:`auroc`.
    """
    return _by_class(_f1_max, labels, scores, weights)


def sums(values: ArrayLike, weights: Weights) -> Values:
    """Sums over records, column by column.

    Args:
        values: [records, columns] or [records].
        weights: [records, resamples].

    Returns:
        [columns, resamples].
    """
    table = np.asarray(values, dtype=np.float64)
    return np.asarray(table.reshape(len(table), -1).T @ weights.astype(np.float64))


def mean(values: ArrayLike, weights: Weights) -> Values:
    """Mean over records.

    Args:
        values: [records].
        weights: [records, resamples].

    Returns:
        [1, resamples].

    >>> mean([1.0, 2.0, 6.0], np.array([[1, 0], [1, 2], [1, 1]], np.float32)).round(3).tolist()
    [[3.0, 3.333]]
    """
    return np.asarray(sums(values, weights) / weights.sum(axis=0, dtype=np.float64))


def median(values: ArrayLike, weights: Weights) -> Values:
    """Median over records: the mean of the two middle ones. Args and returns as for :func:`mean`.

    >>> median([1.0, 2.0, 6.0], np.array([[1, 0], [1, 1], [1, 1]], np.float32)).tolist()
    [[2.0, 4.0]]
    """
    column = np.asarray(values, dtype=np.float64)
    order = np.argsort(column, kind="stable")
    through = np.cumsum(weights[order], axis=0, dtype=np.float64)
    total = through[-1]
    low = (through < np.ceil(total / 2)).sum(axis=0)
    high = (through < np.floor(total / 2) + 1).sum(axis=0)
    middle = column[order]
    return np.asarray((middle[low] + middle[high])[None] / 2)


def _by_class(
    metric: Callable[[Values, Values], Values], labels: Labels, scores: Scores, weights: Weights
) -> Values:
    columns = zip(labels.T, scores.T, strict=True)
    return np.stack([metric(*_ranked_counts(*column, weights)) for column in columns])


def _ranked_counts(
    labels: NDArray[np.bool_], scores: Values, weights: Weights
) -> tuple[Values, Values]:
    """Count positives and negatives along one class's ranking, highest score first.

    Tied records share a row; neighbouring rows that hold negatives only are merged, which changes
    no ranking metric and makes a rare class cheap.

    Args:
        labels: [records].
        scores: [records].
        weights: [records, resamples].

    Returns:
        Positives and negatives, each [rows, resamples].
    """
    from scipy.sparse import csr_array

    order = np.argsort(-scores, kind="stable")
    new_score = np.r_[True, np.diff(scores[order]) != 0]
    group = np.cumsum(new_score) - 1
    holds_positive = np.bincount(group, weights=labels[order]) > 0
    new_row = np.r_[True, holds_positive[1:] | holds_positive[:-1]]
    row = (np.cumsum(new_row) - 1)[group]
    shape = (int(row[-1]) + 1, len(labels))

    def counts(kept: NDArray[np.bool_]) -> Values:
        ones = np.ones(int(kept.sum()), dtype=np.float32)
        drawn = csr_array((ones, (row[kept], order[kept])), shape=shape) @ weights
        return np.asarray(drawn, dtype=np.float64)

    return counts(labels[order]), counts(~labels[order])


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


def _column_sums(chosen: Labels, weights: Weights) -> Values:
    # whole numbers far below 2**24: exact in float32 whatever the order of summation
    return np.asarray(chosen.T.astype(np.float32) @ weights, dtype=np.float64)


def _ratio(top: Values, bottom: Values, defined: NDArray[np.bool_]) -> Values:
    ratio: Values = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=ratio, where=defined)
    return ratio
