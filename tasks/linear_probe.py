"""Linear probe, track ``standard``: what can be read off frozen features by a linear map.

The features are encoded once, with the encoder in eval mode. One L2-penalised logistic regression a
class is fitted on the drawn training records; the penalty and the standardisation are chosen once for
the task by macro-AUROC on validation, F1's thresholds are fitted on validation, and the test records
are predicted once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgbench.data.splits import fraction_rows
from ecgbench.metrics.classification import best_f1_thresholds
from ecgbench.probe import ProbeGrid, select_and_fit
from ecgbench.protocol import Bench, Outcome, Protocol
from ecgbench.results.predictions import ScorePredictions

Labels = NDArray[np.uint8]


class LinearProbe(Protocol):
    """The probe on the true labels."""

    def run(self, bench: Bench) -> Outcome:
        """Fit on the drawn training records, choose on validation, predict the test records."""
        train, val = bench.labels("train"), bench.labels("val")
        chosen = fraction_rows(train.values, bench.settings["fraction"], bench.draw)
        labels_train, labels_val = self.deal(train.values, val.values, bench.draw)
        features_val = bench.features(val.rows)
        probe = select_and_fit(
            bench.features(train.rows[chosen]),
            labels_train[chosen],
            features_val,
            labels_val,
            ProbeGrid(tuple(bench.settings["scalings"]), tuple(bench.settings["Cs"])),
        )
        thresholds = best_f1_thresholds(labels_val, probe.scores(features_val))
        return Outcome(
            predictions=ScorePredictions.of(
                bench.record_ids("test"),
                train.classes,
                probe.scores(bench.features(bench.rows("test"))),
                thresholds.values,
            ),
            n_train=len(chosen),
            n_val=len(val.rows),
            choices={**probe.chosen(), "unfitted_thresholds": int((~thresholds.fitted).sum())},
        )

    def deal(self, train: Labels, val: Labels, draw: int) -> tuple[Labels, Labels]:
        """The labels to learn from."""
        return train, val


class ShuffledLabelProbe(LinearProbe):
    """The same on labels dealt to other records: a control that must come out at chance."""

    def deal(self, train: Labels, val: Labels, draw: int) -> tuple[Labels, Labels]:
        """Deal each split's label rows to other records of the split."""
        rng = np.random.default_rng([draw, 0x5ECD])
        return rng.permutation(train, axis=0), rng.permutation(val, axis=0)
