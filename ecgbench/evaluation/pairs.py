"""Predictions beside the ground truth, record by record: the one place where the two are checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import ResultError
from ecgbench.evaluation.ground_truth import Truth
from ecgbench.metrics import clinical, text
from ecgbench.metrics.checks import labels_and_scores
from ecgbench.metrics.words import words
from ecgbench.results.predictions import (
    Predictions,
    ScorePredictions,
    TextPredictions,
)
from ecgbench.stats.resample import Design

Values = NDArray[np.float64]


@dataclass(frozen=True)
class ClassPair:
    """Labels and scores.

    Attributes:
        labels: ``[n, k]``.
        scores: ``[n, k]``, finite.
        thresholds: ``[k]``, NaN for a class that has none; None where the protocol chooses none.
    """

    labels: NDArray[np.bool_]
    scores: Values
    thresholds: Values | None

    def patients(self, design: Design) -> Values:
        """``[k]`` effective number of patients on the rarer side of each class."""
        sides = [(column, ~column) for column in self.labels.T]
        return np.array([min(map(design.effective_patients, both)) for both in sides])


@dataclass(frozen=True)
class TextPair:
    """Written and generated reports, each ``[n]``; every written report has a word."""

    references: Sequence[str]
    hypotheses: Sequence[str]

    @cached_property
    def rouge(self) -> dict[str, Values]:
        """As :func:`ecgbench.metrics.text.rouge`."""
        return text.rouge(self.references, self.hypotheses)

    @cached_property
    def meteor(self) -> Values:
        """As :func:`ecgbench.metrics.text.meteor`."""
        return text.meteor(self.references, self.hypotheses)

    @cached_property
    def bleu_counts(self) -> Values:
        """As :func:`ecgbench.metrics.text.bleu_counts`."""
        return text.bleu_counts(self.references, self.hypotheses)

    @cached_property
    def statement_counts(self) -> Values:
        """As :func:`ecgbench.metrics.clinical.counts`."""
        return clinical.counts(self.references, self.hypotheses)

    @cached_property
    def empty(self) -> NDArray[np.bool_]:
        """``[n]`` whether a generated report has no word."""
        return np.array([not words(one) for one in self.hypotheses])

    def patients(self, design: Design) -> Values:
        """``[1]`` effective number of patients."""
        return np.array([design.effective_patients()])


@dataclass(frozen=True)
class RankPair:
    """Ranks of the right report for each ECG, and of the right ECG for each report; each ``[n]``."""

    ecg_to_text: Values
    text_to_ecg: Values

    def patients(self, design: Design) -> Values:
        """``[1]`` effective number of patients."""
        return np.array([design.effective_patients()])


Pair = ClassPair | TextPair | RankPair


def pair(predictions: Predictions, truth: Truth) -> Pair:
    """Put predictions beside the labels or reports of their records, in the order of the truth.

    Raises:
        ResultError: The predictions are not of the test records, or not of their classes, or texts
            where the test records have no reports; says which.
        MetricError: Scores or ranks are not finite.
    """
    rows = _rows(predictions.record_ids, truth.record_ids)
    if isinstance(predictions, ScorePredictions):
        if predictions.classes != truth.classes:
            raise ResultError(
                f"The predictions are of other classes than the labels: "
                f"{_difference(predictions.classes, truth.classes) or 'the same in another order'}."
            )
        labels, scores = labels_and_scores(truth.values, predictions.scores[rows])
        return ClassPair(labels, scores, predictions.thresholds)
    if isinstance(predictions, TextPredictions):
        text.check_references(truth.texts)
        return TextPair(truth.texts, [predictions.texts[row] for row in rows])
    ranks = RankPair(predictions.ecg_to_text[rows], predictions.text_to_ecg[rows])
    if not np.isfinite([ranks.ecg_to_text, ranks.text_to_ecg]).all():
        raise ResultError("Some ranks are NaN or infinite.")
    return ranks


def _rows(predicted: NDArray[np.str_], wanted: NDArray[np.str_]) -> NDArray[np.intp]:
    """Position of each test record in the predictions."""
    position = {str(record): row for row, record in enumerate(predicted)}
    if len(position) != len(predicted):
        count = Counter(str(record) for record in predicted)
        twice = sorted(record for record, times in count.items() if times > 1)
        raise ResultError(f"Predicted more than once: {_first(twice)}.")
    if problem := _difference(position, [str(record) for record in wanted]):
        raise ResultError(f"The predictions are not of the test records: {problem}.")
    return np.array([position[str(record)] for record in wanted], np.intp)


def _difference(found: Sequence[str] | dict[str, int], wanted: Sequence[str]) -> str:
    """In words, which names a list lacks and which do not belong; empty where the lists agree."""
    missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    parts = []
    if missing:
        parts.append(f"{len(missing)} missing ({_first(missing)})")
    if extra:
        parts.append(f"{len(extra)} that do not belong ({_first(extra)})")
    return ", ".join(parts)


def _first(names: Sequence[str], count: int = 3) -> str:
    shown = ", ".join(repr(name) for name in names[:count])
    return shown + (", ..." if len(names) > count else "")
