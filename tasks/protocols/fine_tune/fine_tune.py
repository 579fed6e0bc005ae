"""Fine-tune, track ``standard``: the pre-trained encoder as initial weights for supervised training.

The protocol trains all weights of a copy of the method with one linear layer on ``encode_ecg``. The schedule
is the same for every method (section ``finetune`` of the configuration). The epoch is chosen by macro-AUROC
on validation. F1's thresholds are chosen on validation too. The test records are predicted once, with the
chosen epoch.
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
    """Random seed of a seed and draw, so that two seeds shuffle an equal draw differently."""
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
