"""Results of made-up methods on a made-up test split, scored by the harness's own code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.hashing import content_hash
from ecgbench.evaluation.ground_truth import Truth
from ecgbench.evaluation.scoring import score
from ecgbench.results.predictions import ScorePredictions, write_predictions
from ecgbench.results.schema import Result
from ecgbench.results.store import path_of, write_result

RESAMPLES = 200
Skill = float | NDArray[np.float64]  # of all classes, or by class


def split(records: int = 120, classes: int = 4, seed: int = 0) -> Truth:
    rng = np.random.default_rng(seed)
    values = (rng.random((records, classes)) < np.linspace(0.1, 0.4, classes)).astype(np.uint8)
    values[0], values[1] = 1, 0
    return Truth(
        tuple(f"C{k}" for k in range(classes)),
        np.array([f"r{i:05d}" for i in range(records)]),
        values,
        np.array([f"p{i // 2:04d}" for i in range(records)]),
    )


def predictions(of: Truth, skill: Skill, seed: int) -> ScorePredictions:
    """Scores that know the labels by some skill, and otherwise guess."""
    rng = np.random.default_rng(seed)
    scores = skill * of.values + rng.normal(size=of.values.shape)
    return ScorePredictions.of(
        of.record_ids, of.classes, scores, np.full(len(of.classes), skill / 2)
    )


def record(**changes: Any) -> dict[str, Any]:
    """A result as JSON-like data, without figures; dotted keys change it."""
    made: dict[str, Any] = {
        "profile": "mini",
        "method": {
            "name": "mae",
            "title": "MAE",
            "version": 1,
            "variant": "",
            "family": "self-supervised",
            "config_hash": content_hash("config"),
            "parameters": 1_234_567,
        },
        "task": {
            "name": "sim-toy",
            "version": 1,
            "fingerprint": content_hash("task"),
            "dataset": "sim",
            "dataset_version": "1",
            "simulated": True,
            "label_set": "sub",
        },
        "protocol": {
            "name": "toy-probe",
            "version": 1,
            "track": "standard",
            "variant": "100%",
            "fingerprint": content_hash("protocol"),
        },
        "code": {"predictions": content_hash("code"), "scores": content_hash("scoring")},
        "seed": 0,
        "draw": 0,
        "status": "failed",
        "reason": "not run",
        "data": {
            "fingerprint": content_hash("data"),
            "test_fingerprint": content_hash("test"),
            "n_train": 800,
            "n_val": 100,
            "n_test": 120,
            "n_test_patients": 60,
        },
        "pretraining": {"datasets": ["sim"], "simulated": True, "records": 800, "steps": 10},
        "costs": {"seconds": {"pretrain": 60.0, "encode": 1.0, "evaluate": 2.0}},
        "provenance": {
            "created": "2026-01-01T00:00:00+00:00",
            "ecgbench": "0.1.0",
            "python": "3.11",
            "platform": "test",
            "packages": {},
        },
        "config": {},
    }
    for key, value in changes.items():
        place = made
        *path, last = key.split(".")
        for part in path:
            place = place[part]
        place[last] = value
    return made


def put(folder: Path, of: Truth, skill: Skill = 1.0, noise: int = 0, **changes: Any) -> Path:
    """Predict, score and write a cell into a folder of results; gives its JSON file."""
    bare = Result.model_validate(record(**changes))
    return _put(folder, of, bare, predictions(of, skill, noise + 1000 * bare.seed + bare.draw))


def put_scores(folder: Path, of: Truth, scores: NDArray[np.float64], **changes: Any) -> Path:
    """As :func:`put`, of given scores ``[n, k]``."""
    bare = Result.model_validate(record(**changes))
    thresholds = np.zeros(len(of.classes))
    return _put(
        folder, of, bare, ScorePredictions.of(of.record_ids, of.classes, scores, thresholds)
    )


def _put(folder: Path, of: Truth, bare: Result, guessed: ScorePredictions) -> Path:
    part = write_predictions(path_of(folder, bare).with_suffix(".npz"), guessed)
    in_groups = bare.protocol.in_groups
    scores = score(guessed, of, resamples=RESAMPLES, in_groups=in_groups)
    done = {"status": "ok", "reason": None, "scores": scores, "predictions": part}
    return write_result(folder, Result.model_validate({**bare.model_dump(), **done}))


def put_reason(folder: Path, status: str, reason: str, **changes: Any) -> Path:
    """Write a cell that has a reason in place of figures."""
    return write_result(
        folder, Result.model_validate(record(**{"status": status, "reason": reason, **changes}))
    )


def board(folder: Path, skills: Sequence[tuple[str, float]], of: Truth, seeds: int = 2) -> Path:
    """A leaderboard of some methods, with several seeds."""
    for number, (name, skill) in enumerate(skills):
        for seed in range(seeds):
            changes = {"method.name": name, "method.title": name.upper(), "seed": seed}
            put(folder / "results", of, skill, 10 * number, **changes)
    return folder
