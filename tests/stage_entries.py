"""Stages that are methods or take keywords, as functions of what can be pickled."""

from __future__ import annotations

from typing import Any


def encode(recipe: Any, checkpoint: Any, records: Any) -> None:
    """Encode some records."""
    from ecgbench.training.encode import Encoder

    Encoder(recipe, checkpoint).features(records)


def predict_cell(
    recipe: Any, checkpoint: Any, question: Any, source: Any, tested: Any, records: Any
) -> None:
    """Predict a cell."""
    from ecgbench.runs.predict import Encoder, bench_of, predict

    encoder = Encoder(recipe, checkpoint)
    predict(bench_of(encoder, question, 0, source, tested, records, {}))


def score(predictions: Any, truth: Any) -> None:
    """Score predictions on few resamples."""
    from ecgbench.evaluation.scoring import score as run

    run(predictions, truth, resamples=20)
