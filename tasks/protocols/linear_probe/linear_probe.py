"""Linear probe, track ``standard``: linear classifiers on frozen features.

The features are encoded once, with the encoder in eval mode. One L2-penalised logistic regression per class
is fitted on the drawn training records. The penalty and the standardisation are chosen once for the task by
macro-AUROC on validation. F1's thresholds are fitted on validation. The test records are predicted once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgbench.data.splits import fraction_rows
from ecgbench.metrics.classification import Thresholds, best_f1_thresholds
from ecgbench.probe.select import ProbeModel, select_and_fit
from ecgbench.protocol import Bench, Outcome, Protocol
from ecgbench.results.predictions import ScorePredictions

if TYPE_CHECKING:
    from ecgbench.data.signals import Transform

Labels = NDArray[np.uint8]


class FittedProbe(NamedTuple):
    """A probe with its thresholds and the numbers of its training and validation records."""

    probe: ProbeModel
    thresholds: Thresholds
    classes: tuple[str, ...]
    n_train: int
    n_val: int


class LinearProbe(Protocol):
    """The linear probe on the true labels."""

    validated: ClassVar[str | None] = "validation_macro_auroc"

    def run(self, bench: Bench) -> Outcome:
        """Fit on the drawn training records, choose on validation, predict the test records."""
        return predict(bench, self.fit(bench), None)

    def fit(self, bench: Bench) -> FittedProbe:
        """Fit the probe of a cell, or reuse the probe that another variant of the task fitted."""
        labels, fraction = bench.task.trained_on.labels, bench.settings.fraction
        key = (type(self).deal.__qualname__, labels, fraction, bench.draw, bench.settings.grid)
        return bench.once(key, lambda: self._fit(bench, fraction))

    def _fit(self, bench: Bench, fraction: float) -> FittedProbe:
        train, val = bench.labelled("train"), bench.labelled("val")
        chosen = fraction_rows(train.values, fraction, bench.draw)
        labels_train, labels_val = self.deal(train.values, val.values, bench.draw)
        features_val = bench.features(val.records)
        probe = select_and_fit(
            bench.features(train.records.take(chosen)),
            labels_train[chosen],
            features_val,
            labels_val,
            bench.settings.grid,
        )
        thresholds = best_f1_thresholds(labels_val, probe.scores(features_val))
        return FittedProbe(probe, thresholds, train.classes, len(chosen), len(val.records))

    def deal(self, train: Labels, val: Labels, draw: int) -> tuple[Labels, Labels]:
        """The training labels."""
        return train, val


class ShuffledLabelProbe(LinearProbe):
    """The linear probe on labels shuffled among records: a control whose figures must be at chance."""

    validated = None  # shuffled labels are no basis for selection

    def deal(self, train: Labels, val: Labels, draw: int) -> tuple[Labels, Labels]:
        """Shuffle the rows of labels among the records of each split."""
        rng = np.random.default_rng([draw, 0x5ECD])
        return rng.permutation(train, axis=0), rng.permutation(val, axis=0)


def predict(bench: Bench, fitted: FittedProbe, transform: Transform | None) -> Outcome:
    """Predict the test records; an optional transform changes their signals first."""
    columns = [fitted.classes.index(name) for name in bench.classes]
    return Outcome(
        predictions=ScorePredictions.of(
            bench.test.ids,
            bench.classes,
            fitted.probe.scores(bench.features(bench.test, transform))[:, columns],
            fitted.thresholds.values[columns],
        ),
        n_train=fitted.n_train,
        n_val=fitted.n_val,
        choices={
            **fitted.probe.chosen(),
            "unfitted_thresholds": int((~fitted.thresholds.fitted[columns]).sum()),
        },
    )
