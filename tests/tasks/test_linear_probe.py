"""The linear probe chooses C, scaling and thresholds on validation records, and on no others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ecgbench.tasks.protocols.linear_probe.linear_probe import LinearProbe
from report_world import info_of
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score

from ecgbench.data.labels import LabelTable
from ecgbench.plugins.catalogue import protocols
from ecgbench.plugins.specs import TaskSpec
from ecgbench.probe.grid import GRID
from ecgbench.protocol import Bench, Outcome, Records
from ecgbench.results.predictions import ScorePredictions

SPLITS = ("train", "val", "test")
SIZE, CLASSES = 120, ("A", "B")


@dataclass
class Made:
    """Features and labels of three splits, each with a taste of its own for C and thresholds."""

    features: np.ndarray
    values: np.ndarray

    def rows(self, split: str) -> np.ndarray:
        return np.arange(SIZE) + SIZE * SPLITS.index(split)

    def labels(self, label_set: str, split: str) -> LabelTable:
        rows = self.rows(split)
        return LabelTable(label_set, CLASSES, rows.astype(str), rows, self.values[rows])


def made(seed: int) -> Made:
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(3 * SIZE, 2))
    features = rng.normal(size=(3 * SIZE, 12)) * np.geomspace(0.1, 10, 12)
    features[:, 3:5] += hidden
    # how sharp the labels are, how frequent, and which features tell of them differs by split
    sharp = np.repeat([3.0, 1.5, 1.5], SIZE)[:, None]
    shift = np.repeat([0.0, -0.8, 0.8], SIZE)[:, None]
    tell = hidden * sharp + np.repeat([0.0, 1.0, -1.0], SIZE)[:, None] * features[:, 6:8] / 4
    values = (tell + shift + rng.logistic(size=(3 * SIZE, 2)) > 0).astype(np.uint8)
    return Made(features.astype(np.float32), values)


def outcome_of(world: Made) -> Outcome:
    rows = world.rows("test").astype(np.intp)
    spec = protocols.get("linear-probe")
    bench = Bench(
        info=info_of(("ecg",)),
        task=TaskSpec(
            folder=Path(),
            name="made-up",
            title="Made up",
            dataset="made-up",
            labels="made-up",
            protocols=("linear-probe",),
        ),
        protocol=spec,
        variant="100%",
        config=None,  # type: ignore[arg-type]
        seed=0,
        draw=0,
        training_data=world,  # type: ignore[arg-type]
        test=Records(world, rows, rows.astype(str)),  # type: ignore[arg-type]
        test_texts=(),
        classes=CLASSES,
        frozen=SimpleNamespace(  # type: ignore[arg-type]
            features=lambda records, transform, kind: world.features[records.rows]
        ),
    )
    return LinearProbe(spec).run(bench)


def scores_by_candidate(world: Made) -> dict[tuple[str, float], np.ndarray]:
    """Scores of every record by scikit-learn, for each scaling and C."""
    train = world.rows("train")
    spread = world.features[train].astype(np.float64).std(axis=0)
    found = {}
    for scaling, scale in (("feature", spread), ("global", np.sqrt(np.mean(spread**2)))):
        X = world.features / scale
        for C in GRID.Cs:
            fits = [
                LogisticRegression(C=C, tol=1e-7, max_iter=5000).fit(X[train], labels[train])
                for labels in world.values.T
            ]
            found[scaling, C] = np.column_stack([fit.decision_function(X) for fit in fits])
    return found


def best_on(world: Made, split: str, candidates: dict[Any, np.ndarray]) -> tuple[str, float]:
    rows = world.rows(split)
    return max(
        candidates,
        key=lambda key: round(float(roc_auc_score(world.values[rows], candidates[key][rows])), 3),
    )


def thresholds_on(world: Made, split: str, scores: np.ndarray) -> list[float]:
    rows = world.rows(split)
    return [
        max(
            sorted(scores[rows, k], reverse=True),
            key=lambda t: f1_score(world.values[rows, k], scores[rows, k] >= t),
        )
        for k in range(len(CLASSES))
    ]


@pytest.mark.parametrize("seed", [5, 25, 48])
def test_validation_chooses_and_no_other_split(seed: int) -> None:
    world = made(seed)
    outcome, candidates = outcome_of(world), scores_by_candidate(world)
    wanted = best_on(world, "val", candidates)
    assert (outcome.choices["scaling"], outcome.choices["C"]) == wanted
    assert wanted != best_on(world, "train", candidates), "this world tells train from val"
    assert wanted != best_on(world, "test", candidates), "this world tells test from val"

    predicted = outcome.predictions
    assert isinstance(predicted, ScorePredictions)
    scores = candidates[wanted]
    assert np.allclose(predicted.scores, scores[world.rows("test")], atol=2e-3)
    assert predicted.thresholds is not None
    by_val = thresholds_on(world, "val", scores)
    assert np.allclose(predicted.thresholds, by_val, atol=2e-3)
    for other in ("train", "test"):
        assert not np.allclose(thresholds_on(world, other, scores), by_val, atol=1e-2), other
    assert (outcome.n_train, outcome.n_val) == (SIZE, SIZE)
    figure = roc_auc_score(world.values[world.rows("val")], scores[world.rows("val")])
    assert outcome.choices["validation_macro_auroc"] == pytest.approx(figure, abs=2e-3)
