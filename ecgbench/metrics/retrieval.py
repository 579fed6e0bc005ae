"""Retrieval between ECGs and reports: the ranks of the right answers.

Many reports are worded alike. A report equal to an ECG's own, word for word, is as right an answer, and
counts as one. An item tied with the best right answer counts half, so that constant similarities give
the rank of chance and not the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.base.errors import MetricError
from ecgbench.metrics.words import words

Values = NDArray[np.float64]


class Ranks(NamedTuple):
    """Rank of the best right answer per query, 1 being the best; halves come from ties.

    Attributes:
        ecg_to_text: [records] rank among all reports.
        text_to_ecg: [records] rank among all ECGs.
    """

    ecg_to_text: Values
    text_to_ecg: Values


def ranks(similarity: ArrayLike, texts: Sequence[str]) -> Ranks:
    """Rank the right answers in both directions.

    Args:
        similarity: [records, records]; row i is ECG i, column j the report of record j.
        texts: [records] the reports.

    Raises:
        MetricError: A matrix that is not square or not finite, or another number of texts.

    >>> ranks([[0.9, 0.1], [0.8, 0.2]], ["sinus rhythm", "LVH"]).ecg_to_text.tolist()
    [1.0, 2.0]
    """
    matrix = np.asarray(similarity, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape != (len(texts), len(texts)) or not len(texts):
        raise MetricError(
            f"similarities of shape {matrix.shape} for {len(texts)} reports",
            "They are [records, records], ECGs by reports, in one order.",
        )
    if not np.isfinite(matrix).all():
        raise MetricError("similarities are NaN or infinite")
    wordings = {text: number for number, text in enumerate(map(_wording, texts))}
    same = np.array([wordings[_wording(text)] for text in texts])
    return Ranks(_ranks(matrix, same), _ranks(matrix.T, same))


def _ranks(matrix: Values, same: NDArray[np.int64]) -> Values:
    # row by row: the mask of right answers never has to exist as a whole
    return np.array([_rank(row, same == same[query]) for query, row in enumerate(matrix)])


def _rank(row: Values, right: NDArray[np.bool_]) -> float:
    best, wrong = row[right].max(), row[~right]
    return float(1 + (wrong > best).sum() + 0.5 * (wrong == best).sum())


def _wording(text: str) -> str:
    return " ".join(words(text))
