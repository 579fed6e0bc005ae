"""Multi-label classification: AUROC, average precision, F1 by two rules, macro means.

Labels are [records, classes] of zeros and ones; scores are [records, classes] of any finite
numbers, higher meaning more likely (logits, cosines: only F1 looks at more than their order).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.base.errors import MetricError
from ecgbench.metrics import weighted
from ecgbench.metrics.checks import labels_and_scores

Values = NDArray[np.float64]

NEUTRAL_THRESHOLD = 0.0
"""Threshold of a class that validation has no positive of: the logit of one half."""


class Thresholds(NamedTuple):
    """Decision thresholds, one a class.

    Attributes:
        values: [classes]; a record is called positive where its score reaches the value.
        fitted: [classes]; False where the value is only the neutral one.
    """

    values: Values
    fitted: NDArray[np.bool_]


class Macro(NamedTuple):
    """A mean over classes, and what it is the mean of.

    Attributes:
        mean: NaN where no class is scored.
        scored: How many classes are in the mean.
        classes: How many classes there are.
    """

    mean: float
    scored: int
    classes: int


def auroc(labels: ArrayLike, scores: ArrayLike) -> Values:
    """Area under the ROC curve per class, a tie counting half.

    Args:
        labels: [records, classes] labels.
        scores: [records, classes] scores.

    Returns:
        [classes]; NaN for a class without a positive or without a negative record.

    Raises:
        MetricError: See :func:`ecgbench.metrics.checks.labels_and_scores`; so below.

    >>> auroc([[1, 0], [0, 0], [1, 0]], [[0.9, 0.1], [0.9, 0.2], [0.3, 0.3]]).tolist()
    [0.25, nan]
    """
    return _of_each_record_once(weighted.auroc, labels, scores)


def average_precision(labels: ArrayLike, scores: ArrayLike) -> Values:
    """Average precision (AUPRC without interpolation) per class; otherwise as :func:`auroc`.

    >>> average_precision([[1], [0], [1], [0]], [[4.0], [3.0], [2.0], [1.0]]).round(3).tolist()
    [0.833]
    """
    return _of_each_record_once(weighted.average_precision, labels, scores)


def f1_at(labels: ArrayLike, scores: ArrayLike, thresholds: ArrayLike) -> Values:
    """F1 per class at given thresholds.

    Args:
        labels: [records, classes] labels.
        scores: [records, classes] scores.
        thresholds: [classes].

    Returns:
        [classes]; 0 where every positive is missed, NaN as for :func:`auroc`.

    >>> f1_at([[1], [0], [1], [0]], [[4.0], [3.0], [2.0], [1.0]], [2.5]).tolist()
    [0.5]
    """
    values = np.asarray(thresholds, dtype=np.float64)
    if values.ndim != 1 or values.shape[0] != np.shape(labels)[-1]:
        raise MetricError(f"thresholds have shape {values.shape}, not one for each class")
    if np.isnan(values).any():
        raise MetricError("a threshold is NaN")
    return _of_each_record_once(partial(weighted.f1_at, thresholds=values), labels, scores)


def best_f1_thresholds(
    labels: ArrayLike, scores: ArrayLike, neutral: float = NEUTRAL_THRESHOLD
) -> Thresholds:
    """Thresholds that maximise F1 per class; fit them on validation, never on the test split.

    Candidates are the scores that occur. Of several equally good ones the highest is taken, which
    calls the fewest records positive.

    Args:
        labels: [records, classes] labels.
        scores: [records, classes] scores.
        neutral: Threshold of a class without positives, to which nothing can be fitted.

    Returns:
        The thresholds, and which of them were fitted.

    >>> best_f1_thresholds([[1, 0], [0, 0], [1, 0]], [[2.0, 1.0], [0.0, 3.0], [1.0, 2.0]]).values.tolist()
    [1.0, 0.0]
    """
    truth, guesses = labels_and_scores(labels, scores)
    fitted: NDArray[np.bool_] = truth.sum(axis=0) > 0
    values = [
        _best_threshold(truth[:, k], guesses[:, k]) if fitted[k] else neutral
        for k in range(truth.shape[1])
    ]
    return Thresholds(np.array(values, dtype=np.float64), fitted)


def f1_test_max(labels: ArrayLike, scores: ArrayLike) -> Values:
    """The highest F1 that any threshold reaches on these very records, per class.

    Optimistic, because the threshold is chosen on the records that F1 is reported on. Track `merl`
    reports it; its source is MERL's evaluation code (Liu et al., ICML 2024).

    Returns:
        [classes]; NaN as for :func:`auroc`.

    >>> f1_test_max([[1], [0], [1], [0]], [[4.0], [3.0], [2.0], [1.0]]).tolist()
    [0.8]
    """
    return _of_each_record_once(weighted.f1_max, labels, scores)


def macro(values: ArrayLike, positives: ArrayLike | None = None, min_support: int = 1) -> Macro:
    """Mean over the classes that are defined.

    Args:
        values: [classes], NaN where undefined.
        positives: [classes] positives of each class; needed where ``min_support`` is above 1.
        min_support: Classes with fewer positives are left out of the mean.

    Returns:
        The mean and how many classes it is of.

    >>> macro([0.5, float("nan"), 1.0])
    Macro(mean=0.75, scored=2, classes=3)
    """
    per_class = np.asarray(values, dtype=np.float64)
    kept = ~np.isnan(per_class)
    if positives is not None:
        kept &= np.asarray(positives) >= min_support
    elif min_support > 1:
        raise MetricError("min_support needs the positives of each class")
    mean = float(per_class[kept].mean()) if kept.any() else float("nan")
    return Macro(mean, int(kept.sum()), len(per_class))


def _of_each_record_once(
    metric: Callable[..., Values], labels: ArrayLike, scores: ArrayLike
) -> Values:
    checked = labels_and_scores(labels, scores)
    once = np.ones((len(checked[0]), 1), dtype=np.float32)
    return metric(*checked, once)[:, 0]


def _best_threshold(labels: NDArray[np.bool_], scores: Values) -> float:
    order = np.argsort(-scores, kind="stable")
    last_of_ties = np.r_[np.diff(scores[order]) != 0, True]
    calls = np.arange(1, len(scores) + 1)[last_of_ties]
    hits = np.cumsum(labels[order])[last_of_ties]
    f1 = 2 * hits / (calls + labels.sum())
    return float(scores[order][last_of_ties][np.argmax(f1)])
