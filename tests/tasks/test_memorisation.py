"""The control that finds a method which recognises the test records by their signals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from ecgbench.tasks.protocols.shift.corruptions import SecondRecording, power_of, transform_of
from ecgbench.tasks.protocols.shift.settings import MemorisationSettings
from ecgbench.tasks.protocols.shift.shift import ShiftedProbe
from pydantic import ValidationError
from runs.conftest import request_for, small_home, small_matrix  # noqa: F401
from sklearn.metrics import roc_auc_score

from ecgbench.data.opening import open_dataset
from ecgbench.plugins.catalogue import protocols, tasks
from ecgbench.protocol import Bench, Records
from ecgbench.runs.plan import Question
from ecgbench.runs.run import Request, make_plan

RATE = 100.0


@dataclass
class Memory:
    """Knows the labels of every record, and finds a record by the nearest signal that it has seen."""

    honest: Any
    known: np.ndarray
    labels: np.ndarray

    def features(self, records: Records, transform: Any, kind: str) -> np.ndarray:
        signals = flat(self.honest.signals(records, transform))
        alike = signals @ self.known.T
        found = self.labels[alike.argmax(axis=1)] * (alike.max(axis=1) > 0.9)[:, None]
        return found.astype(np.float32)


def flat(signals: np.ndarray) -> np.ndarray:
    values = signals.reshape(len(signals), -1).astype(np.float64)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def auroc_of(bench: Bench) -> float:
    full = open_dataset("sim-tiny")
    truth = full.labels("super", "test").values
    scores = ShiftedProbe(bench.protocol).run(replace(bench, shared={})).predictions.scores  # type: ignore[union-attr]
    return float(roc_auc_score(truth, scores))


def test_a_memory_loses_everything(request_for: Callable[..., Request]) -> None:  # noqa: F811
    session = make_plan(request_for("random_init_resnet")).planned[0].session
    task, spec = tasks.get("sim-tiny-super"), protocols.get("memorisation")
    full = open_dataset("sim-tiny")
    table = full.labels("super")
    everything = Records(full, table.rows.astype(np.intp), table.record_ids)
    for variant, wanted in (("clean", 1.0), ("second-recording", 0.5)):
        bench = session.bench(Question(task, spec, variant), 0)
        known = flat(bench.frozen.signals(everything, None))
        memory = Memory(bench.frozen, known, table.values)
        assert auroc_of(replace(bench, frozen=memory)) == pytest.approx(wanted, abs=1e-9)  # type: ignore[arg-type]


def test_an_honest_encoder_sees_the_same_record(
    request_for: Callable[..., Request],  # noqa: F811
) -> None:
    session = make_plan(request_for("random_init_resnet")).planned[0].session
    task, spec = tasks.get("sim-tiny-super"), protocols.get("memorisation")
    again = transform_of(spec.of("second-recording"))
    bench = session.bench(Question(task, spec, "clean"), 0)
    clean, changed = bench.features(bench.test), bench.features(bench.test, again)
    spread = clean.std(axis=0)
    kept = spread > 0
    a, b = ((part - clean.mean(axis=0))[:, kept] / spread[kept] for part in (clean, changed))
    nearest = ((b[:, None] - a[None]) ** 2).sum(-1).argmin(axis=1)
    assert (nearest == np.arange(len(a))).mean() > 0.7  # chance: 0.07


def test_a_second_recording_is_what_it_says() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(1000) / RATE
    signals = np.sin(2 * np.pi * 1.3 * time + rng.uniform(0, 6, (1, 12, 1))).astype(np.float32)
    lost, gains = [], []
    for seed in range(40):
        quiet = SecondRecording(0.4, 0.05, 1e-9)(signals, RATE, np.random.default_rng(seed))[0]
        full = SecondRecording(0.4, 0.05, 0.02)(signals, RATE, np.random.default_rng(seed))[0]
        tail = int((np.abs(np.diff(quiet, axis=1)).max(axis=0) > 1e-6).nonzero()[0].max())
        lost.append(999 - tail)
        gain = float((quiet[:, :500] * signals[0, :, lost[-1] :][:, :500]).sum())
        gain /= float((signals[0, :, lost[-1] :][:, :500] ** 2).sum())
        gains.append(gain)
        wanted = 0.02 * np.sqrt(power_of(signals[0].astype(np.float64), RATE))
        assert np.std(full - quiet) == pytest.approx(wanted * gain, rel=0.05)
        flat_end = quiet[:, -5:] / gain
        assert np.allclose(flat_end, np.median(signals[0], axis=1)[:, None], atol=1e-5)
    assert 13 <= min(lost) < 20
    assert 35 < max(lost) <= 41
    away = np.abs(np.array(gains) - 1)
    assert 0.02 < away.min() < 0.03
    assert 0.045 < away.max() <= 0.0505
    assert min(gains) < 1 < max(gains)


def test_amounts_are_given_together() -> None:
    settings = {"later": 0.4, "gain_off": 0.05, "white_noise": 0.02}
    assert transform_of(MemorisationSettings.model_validate(settings)) == SecondRecording(
        0.4, 0.05, 0.02
    )
    for name in settings:
        some = {key: value for key, value in settings.items() if key != name}
        with pytest.raises(ValidationError, match="are given together"):
            MemorisationSettings.model_validate(some)
    assert transform_of(MemorisationSettings.model_validate({})) is None


@pytest.mark.parametrize("task", ["sim-sub", "ptbxl-mini-sub"])
def test_the_board_asks_it_of_every_method(task: str) -> None:
    assert "memorisation" in tasks.get(task).protocols
    assert protocols.get("memorisation").requires == ("ecg",)
