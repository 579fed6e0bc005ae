"""The one place where labels and scores are checked before a metric sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.base.errors import MetricError

Labels = NDArray[np.bool_]
Scores = NDArray[np.float64]


def labels_of(labels: ArrayLike) -> Labels:
    """Check multi-label targets.

    Args:
        labels: [records, classes], zeros and ones.

    Returns:
        The same as booleans.

    Raises:
        MetricError: Another shape, no record, no class, or a value other than 0 and 1.
    """
    values = _matrix(labels, "labels")
    if not ((values == 0) | (values == 1)).all():
        raise MetricError(
            "the labels hold values other than 0 and 1",
            "A label says whether a class is present; probabilities belong in the scores.",
        )
    return values.astype(np.bool_)


def labels_and_scores(labels: ArrayLike, scores: ArrayLike) -> tuple[Labels, Scores]:
    """Check targets together with scores.

    Args:
        labels: [records, classes], zeros and ones.
        scores: [records, classes], any finite numbers; higher means more likely.

    Returns:
        Labels as booleans, scores as float64.

    Raises:
        MetricError: Labels that are not binary, shapes that differ, NaN or infinite scores.
    """
    truth = labels_of(labels)
    guesses = _matrix(scores, "scores").astype(np.float64)
    if truth.shape != guesses.shape:
        raise MetricError(
            f"labels have shape {truth.shape} and scores {guesses.shape}",
            "Both are [records, classes], in the same order of records and of classes.",
        )
    bad = ~np.isfinite(guesses)
    if bad.any():
        row, column = (int(index) for index in np.argwhere(bad)[0])
        raise MetricError(
            f"{int(bad.sum())} scores are NaN or infinite, the first in record {row}, "
            f"class {column}",
            "Nothing is scored from such predictions: look at the method that made them.",
        )
    return truth, guesses


def _matrix(values: ArrayLike, what: str) -> NDArray[Any]:
    try:
        matrix = np.asarray(values)
    except ValueError as error:
        raise MetricError(f"the {what} are not a rectangular array") from error
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise MetricError(f"the {what} have shape {matrix.shape}, not [records, classes]")
    if matrix.dtype.kind not in "biuf":
        raise MetricError(f"the {what} are of type {matrix.dtype}, not numbers")
    return matrix
