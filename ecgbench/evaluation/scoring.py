"""From predictions to figures: the one place where test labels and reports are looked at.

    predictions + truth -> pair (checked once) -> resamples (drawn once) -> metrics -> figures, intervals

Torch-free, so that a reviewer scores again without the packages that made the predictions. All methods
on a task are scored on the same resamples of its patients: the seed is a constant, so that two methods
can be compared resample by resample.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ecgbench.evaluation.ground_truth import Truth
from ecgbench.evaluation.metric_table import METRICS
from ecgbench.evaluation.pairs import ClassPair, pair
from ecgbench.results.parts import ClassFigures, Figure, Replicates, Scores
from ecgbench.results.predictions import Predictions
from ecgbench.results.replicates import pack
from ecgbench.stats.bootstrap import Bootstrap, Interval, bootstrap, class_intervals
from ecgbench.stats.resample import Design, SharedDesign

BOOTSTRAP_SEED = 0
SHARED = 500
"""Shared resamples at the most: they are kept by class, and a standard error needs no more."""
METRIC_VERSIONS = {"scores": 1, "ranks": 1, "texts": 2}
"""By kind of predictions; raised when the definition of a metric changes, because figures of two versions
may not stand in one table. Texts 2: a denial in a report ends where its clause ends (clinical F1)."""
DIGITS = 10  # of a figure in a record; the last bits of floating point are cut off


def score(
    predictions: Predictions, truth: Truth, *, resamples: int, in_groups: bool = False
) -> Scores:
    """Score predictions by the labels of their records, or by the reports.

    Args:
        predictions: Scores, texts or ranks for the records of ``truth``, in any order.
        truth: The test records.
        resamples: Number of resamples of the patient bootstrap.
        in_groups: Whether the split is a group of patients, or the whole that groups are compared with:
            scores by class then also have AUROC on shared resamples.

    Returns:
        The figures that :data:`ecgbench.evaluation.metric_table.METRICS` lists for this kind of
        predictions, each with its interval and with its replicates. For scores a figure is the mean
        over the scored classes, and the figures of each class stand beside it.

    Raises:
        ResultError: Predictions of other records or classes than the truth's; names them.
        MetricError: Predictions or a test split from which no figure can be computed; says why.
    """
    held = pair(predictions, truth)
    thresholds = isinstance(held, ClassPair) and held.thresholds is not None
    metrics = [m for m in METRICS[predictions.kind] if m.thresholds in (None, thresholds)]
    design = Design.of(truth.patients.tolist(), resamples, BOOTSTRAP_SEED)
    boots = bootstrap(
        {metric.name: partial(metric.compute, held) for metric in metrics},
        design,
        held.patients(design),
    )
    return Scores(
        figures={m.name: _figure(m.interval(boots[m.name])) for m in metrics},
        resamples=resamples,
        metric_version=METRIC_VERSIONS[predictions.kind],
        design=design.key,
        replicates={name: pack(boot.means) for name, boot in boots.items()},
        **_support(held, boots, truth.classes),
        shared=_shared(held, truth, resamples) if in_groups else {},
    )


def _shared(held: Any, truth: Truth, resamples: int) -> dict[str, Replicates]:
    """AUROC by scored class on resamples that do not depend on the split."""
    if not isinstance(held, ClassPair):
        return {}
    design = SharedDesign.of(truth.patients.tolist(), min(resamples, SHARED), BOOTSTRAP_SEED)
    auroc = partial(METRICS["scores"][0].compute, held)
    boot = bootstrap({"auroc": auroc}, design, held.patients(design))["auroc"]
    return {truth.classes[k]: pack(boot.draws[k]) for k in np.flatnonzero(boot.scored)}


def _support(held: Any, boots: dict[str, Bootstrap], classes: tuple[str, ...]) -> dict[str, Any]:
    """How many patients and classes the figures are made from, and the figures of each class."""
    if not isinstance(held, ClassPair):
        return {"patients": _number(next(iter(boots.values())).patients[0])}
    auroc, auprc, f1 = boots.values()
    by_class = zip(*(class_intervals(boot) for boot in (auroc, auprc, f1)), strict=True)
    positives = held.labels.sum(axis=0, dtype=np.int64)
    entries = [
        ClassFigures(
            name=classes[k],
            positives=int(positives[k]),
            negatives=int(len(held.labels) - positives[k]),
            patients=_number(auroc.patients[k]),
            auroc=_figure(auroc_interval),
            auprc=_figure(auprc_interval),
            f1=_figure(f1_interval),
            threshold=None if held.thresholds is None else _number(held.thresholds[k]),
        )
        for k, (auroc_interval, auprc_interval, f1_interval) in enumerate(by_class)
    ]
    return {
        "classes": tuple(entries),
        "scored_classes": int(auroc.scored.sum()),
        "undefined_draws": int(np.isnan(auroc.draws[auroc.scored]).any(axis=0).sum()),
    }


def _figure(interval: Interval) -> Figure:
    return Figure(
        value=_number(interval.value),
        low=_number(interval.low),
        high=_number(interval.high),
        se=_number(interval.se),
    )


def _number(value: float | np.floating) -> float | None:
    """A number in the digits of a record; None for NaN."""
    return round(float(value), DIGITS) + 0.0 if np.isfinite(value) else None
