"""Predictions and labels become figures: the one place where test labels are looked at.

Torch-free, so that a reviewer scores again without what made the predictions. Every method on a task is
scored on the same resamples of its patients: their seed is a constant, so that two methods can be
compared resample by resample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import ResultError
from ecgbench.base.hashing import content_hash
from ecgbench.evaluation.reports import Reports, score_ranks, score_texts
from ecgbench.results.figures import METRIC_VERSION, figure_of, number_of
from ecgbench.results.predictions import (
    Predictions,
    RankPredictions,
    ScorePredictions,
    TextPredictions,
    difference,
    rows_of,
)
from ecgbench.results.replicates import pack
from ecgbench.results.schema import ClassFigures, Scores

if TYPE_CHECKING:
    from ecgbench.metrics.weighted import Statistic
    from ecgbench.stats.bootstrap import Bootstrap

BOOTSTRAP_SEED = 0


class Labels(Protocol):
    """What is known of the test records; see :class:`ecgbench.data.labels.LabelTable`."""

    @property
    def classes(self) -> Sequence[str]:
        """The label set's classes, in its order."""

    @property
    def record_ids(self) -> Sequence[str] | NDArray[np.str_]:
        """``[n]``."""

    @property
    def values(self) -> NDArray[np.uint8]:
        """``[n, k]`` zeros and ones."""


def score(
    predictions: Predictions,
    labels: Labels | Reports,
    patients: Sequence[str] | NDArray[np.str_],
    *,
    resamples: int,
) -> Scores:
    """Score predictions by the labels of their records, or by the reports.

    Args:
        predictions: Of whatever kind.
        labels: Of the test records; for texts and ranks their reports.
        patients: ``[n]``, the patient of each record of ``labels``.
        resamples: Of the patient bootstrap.

    Returns:
        For scores: macro figures over the scored classes (``auroc``, ``auprc``, and ``f1`` at the
        thresholds that validation chose, or ``f1_test_max`` where the protocol chooses none), figures
        by class, and the replicates that comparisons need. For texts and ranks see ``score_reports.py``.

    Raises:
        ResultError: Predictions of other records or classes than the labels'; names them.
    """
    people = [str(patient) for patient in patients]
    if isinstance(labels, Reports):
        if isinstance(predictions, TextPredictions):
            return score_texts(predictions, labels, people, resamples, BOOTSTRAP_SEED)
        if isinstance(predictions, RankPredictions):
            return score_ranks(predictions, labels, people, resamples, BOOTSTRAP_SEED)
        raise ResultError("Scores are held against labels, not against reports.")
    if not isinstance(predictions, ScorePredictions):
        raise ResultError(f"{type(predictions).__name__} are held against reports, not labels.")
    if tuple(predictions.classes) != tuple(labels.classes):
        raise ResultError(
            f"The predictions are of other classes than the labels: "
            f"{difference(predictions.classes, labels.classes) or 'the same in another order'}."
        )
    scores = predictions.scores[rows_of(predictions.record_ids, labels.record_ids)]
    values = np.asarray(labels.values)
    boots = _bootstraps(values, scores, predictions.thresholds, people, resamples)
    return _scores_of(boots, values, tuple(labels.classes), predictions.thresholds, resamples)


def test_fingerprint(labels: Labels) -> str:
    """Hash of the test records' ids and labels: equal where figures are of the same question."""
    ids = [str(record) for record in labels.record_ids]
    return content_hash([list(labels.classes), ids, np.asarray(labels.values).tolist()])


def _bootstraps(
    values: NDArray[np.uint8],
    scores: NDArray[np.float64],
    thresholds: NDArray[np.float64] | None,
    patients: list[str],
    resamples: int,
) -> dict[str, Bootstrap]:
    """Each metric on the split and on its resamples; a class without a threshold has no F1."""
    from ecgbench.metrics import weighted
    from ecgbench.stats.bootstrap import bootstrap

    statistics: dict[str, Statistic] = {
        "auroc": weighted.auroc,
        "auprc": weighted.average_precision,
    }
    if thresholds is None:
        statistics["f1_test_max"] = weighted.f1_max
    else:
        statistics["f1"] = _f1_where_known(thresholds)
    return {
        name: bootstrap(values, scores, patients, statistic, resamples, BOOTSTRAP_SEED)
        for name, statistic in statistics.items()
    }


def _f1_where_known(thresholds: NDArray[np.float64]) -> Statistic:
    from ecgbench.metrics.weighted import f1_at

    known = ~np.isnan(thresholds)
    of_known = f1_at(thresholds[known])

    def f1(
        y: NDArray[np.bool_], s: NDArray[np.float64], w: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        values = np.full((y.shape[1], w.shape[1]), np.nan)
        values[known] = of_known(y[:, known], s[:, known], w)
        return values

    return f1


def _scores_of(
    boots: dict[str, Bootstrap],
    values: NDArray[np.uint8],
    classes: tuple[str, ...],
    thresholds: NDArray[np.float64] | None,
    resamples: int,
) -> Scores:
    from ecgbench.stats.bootstrap import class_intervals, macro_interval

    macro = {name: macro_interval(boot) for name, boot in boots.items()}
    auroc = boots["auroc"]
    by_class = [class_intervals(boots[n]) for n in ("auroc", "auprc", _f1_name(boots))]
    positives = values.sum(axis=0, dtype=np.int64)
    return Scores(
        figures={name: figure_of(interval) for name, interval in macro.items()},
        classes=tuple(
            ClassFigures(
                name=name,
                positives=int(positives[k]),
                negatives=int(len(values) - positives[k]),
                patients=number_of(auroc.patients[k]),
                auroc=figure_of(by_class[0][k]),
                auprc=figure_of(by_class[1][k]),
                f1=figure_of(by_class[2][k]),
                threshold=None if thresholds is None else number_of(thresholds[k]),
            )
            for k, name in enumerate(classes)
        ),
        scored_classes=macro["auroc"].scored,
        resamples=resamples,
        undefined_draws=int(np.isnan(auroc.draws[auroc.scored]).any(axis=0).sum()),
        metric_version=METRIC_VERSION,
        design=auroc.key,
        replicates={name: pack(macro_draws(boot)) for name, boot in boots.items()},
    )


def macro_draws(boot: Bootstrap) -> NDArray[np.float64]:
    """``[resamples]`` mean over the scored classes that a resample defines; NaN for none."""
    kept = boot.draws[boot.scored]
    defined = ~np.isnan(kept)
    count = defined.sum(axis=0)
    sums = np.where(defined, kept, 0.0).sum(axis=0)
    means: NDArray[np.float64] = np.full(kept.shape[1], np.nan)
    np.divide(sums, count, out=means, where=count > 0)
    return means


def _f1_name(boots: dict[str, Bootstrap]) -> str:
    return "f1" if "f1" in boots else "f1_test_max"
