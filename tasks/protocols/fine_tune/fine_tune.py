"""Fine-tune, track ``standard``: what a pre-trained encoder is worth as a start.

A copy of the method is trained whole, with one linear layer on ``encode_ecg``, by the same schedule for
every method (section ``finetune`` of the configuration). Validation chooses the epoch by macro-AUROC and
F1's thresholds; the test records are predicted once, with the chosen epoch.
"""

from __future__ import annotations

import numpy as np

from ecgbench.base.errors import NotApplicableError
from ecgbench.data.splits import fraction_rows
from ecgbench.metrics.classification import best_f1_thresholds
from ecgbench.protocol import Bench, Outcome, Protocol
from ecgbench.results.predictions import ScorePredictions
from ecgbench.training.finetune import Examples, Finetuned, finetune, has_gradient


class FineTune(Protocol):
    """The whole encoder and a linear head."""

    validated = "validation_macro_auroc"

    def run(self, bench: Bench) -> Outcome:
        """Train on the drawn records, choose on validation, predict the test records."""
        train, val = bench.labelled("train"), bench.labelled("val")
        chosen = fraction_rows(train.values, bench.settings.fraction, bench.draw)
        drawn = train.records.take(chosen)
        method = bench.load_method()
        signals = bench.signals(drawn)
        if not has_gradient(method, signals[:1]):
            raise NotApplicableError(
                f"{bench.info.name} has no weights behind its features, so there is nothing to fine-tune"
            )
        tuned = finetune(
            method,
            bench.features(drawn),
            Examples(signals, train.values[chosen]),
            Examples(bench.signals(val.records), val.values),
            bench.config,
            _seed(bench),
        )
        thresholds = best_f1_thresholds(val.values, tuned.validation)
        columns = [train.classes.index(name) for name in bench.classes]
        return Outcome(
            predictions=ScorePredictions.of(
                bench.test.ids,
                bench.classes,
                tuned.scores(bench.signals(bench.test))[:, columns],
                thresholds.values[columns],
            ),
            n_train=len(drawn),
            n_val=len(val.records),
            choices={
                **_chosen(tuned),
                "unfitted_thresholds": int((~thresholds.fitted[columns]).sum()),
            },
        )


def _seed(bench: Bench) -> int:
    """One for each seed and draw: equal draws of two seeds are shuffled differently."""
    return int(np.random.SeedSequence([bench.seed, bench.draw]).generate_state(1)[0])


def _chosen(tuned: Finetuned) -> dict[str, object]:
    best = tuned.by_epoch[tuned.epoch - 1]
    return {
        "epoch": tuned.epoch,
        "epochs": tuned.schedule.epochs,
        "steps": tuned.schedule.steps,
        "chosen_by": "fall-back" if best is None else "validation",
        "validation_macro_auroc": best,
        "validation_by_epoch": list(tuned.by_epoch),
    }
