"""Curves of a pre-training: logged losses, learning rate, bounds in nats."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ecgbench.config.sections import Config
from ecgbench.inspection.subject import Subject
from ecgbench.training.batches import TrainingRecords, tokenize_all
from ecgbench.training.corpus import load_corpus
from ecgbench.training.device import pick_device
from ecgbench.training.optim import cosine_with_warmup

NATS = "nats_"  # what a method logs under such a name is a bound in nats
CEILINGS = {"nats_text"}  # InfoNCE's, which cannot pass log N
MEANINGS = {
    "nats_signal": "I(Z; X) of code and signal, per hidden patch, over the guess that knows nothing",
    "nats_text": "I(Z; T) of code and report",
}


@dataclass(frozen=True)
class Curve:
    """One logged figure over the steps.

    Attributes:
        steps: Optimiser steps.
        values: One per step.
    """

    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Bound:
    """A bound on a mutual information, on validation records with the final weights.

    Attributes:
        name: As it is logged.
        nats: Its value.
        records: Number of records in the batch.
        ceiling: Upper limit for every method; None if there is none.
    """

    name: str
    nats: float
    records: int
    ceiling: float | None

    @property
    def meaning(self) -> str:
        """Of what."""
        return MEANINGS.get(self.name, self.name.removeprefix(NATS))


def read_log(path: Path) -> dict[str, dict[str, Curve]]:
    """A checkpoint's ``training.csv``: term -> ``train`` or ``val`` -> curve; empty where there is none."""
    points: dict[str, dict[str, list[tuple[int, float]]]] = {}
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            split, _, term = row["name"].partition("/")
            if term:
                points.setdefault(term, {}).setdefault(split, []).append(
                    (int(row["step"]), float(row["value"]))
                )
    return {
        term: {split: _curve(dict(found)) for split, found in splits.items()}
        for term, splits in points.items()
    }


def _curve(found: dict[int, float]) -> Curve:
    """Steps in order; of a step that was logged again after resuming, the last value counts."""
    steps = sorted(found)
    return Curve(tuple(steps), tuple(found[step] for step in steps))


def learning_rate(config: Config) -> Curve:
    """The learning rate of each step, by the schedule."""
    factor = cosine_with_warmup(config.pretrain)
    steps = range(int(config.pretrain.steps))
    rate = float(config.pretrain.lr)
    return Curve(tuple(steps), tuple(rate * factor(step) for step in steps))


def bounds(subject: Subject) -> list[Bound]:
    """The bounds of the final weights on validation records, all in one batch; none for most methods.

    The log's own are means over small batches.
    """
    recipe, method = subject.recipe, subject.encoder.method()
    if not recipe.trains:
        return []
    corpus = load_corpus(recipe.datasets, recipe.config, recipe.info.reports, recipe.seed)
    reports = sorted({text for part in corpus.val for text in part.reports if text})
    records = TrainingRecords(corpus.val, tokenize_all(method, reports))
    size = min(len(records), int(recipe.config.compute.encode_batch))
    if size < 2 or (recipe.info.reports != "none" and not reports):
        return []
    batch = records.batch(np.arange(size)).to(pick_device(recipe.config))
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        terms = method.losses(batch)
    reported = size if batch.text_id is None else int((batch.text_id >= 0).sum())
    return [
        Bound(
            name,
            float(value),
            reported if name in CEILINGS else size,
            math.log(reported) if name in CEILINGS and reported else None,
        )
        for name, value in terms.items()
        if name.startswith(NATS)
    ]
