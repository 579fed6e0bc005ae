"""The bootstrap of one metric of classes, as scoring makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.evaluation.pairs import ClassPair
from ecgbench.metrics.checks import labels_and_scores
from ecgbench.stats.bootstrap import Bootstrap, bootstrap
from ecgbench.stats.resample import Design


def bootstrap_classes(
    labels: ArrayLike,
    scores: ArrayLike,
    patients: Sequence[str],
    metric: Callable[..., NDArray[np.float64]],
    resamples: int = 1000,
    seed: int = 0,
) -> Bootstrap:
    held = ClassPair(*labels_and_scores(labels, scores), None)
    design = Design.of(patients, resamples, seed)
    statistic = partial(metric, held.labels, held.scores)
    return bootstrap({"metric": statistic}, design, held.patients(design))["metric"]
