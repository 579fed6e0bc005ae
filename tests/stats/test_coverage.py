"""A short form of ``tests/benchmarks/coverage.py``: 300 simulated splits with a known AUROC."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.coverage import Scenario, Truth, judge

from ecgbench.stats.resample import Design

SPLIT = Scenario("", 120, np.array([0.25]), np.array([0.85]), (0.2,) * 5)
SETS = 300


def shares() -> dict[str, float]:
    truth = Truth(SPLIT)
    notes = [judge(SPLIT, truth, number, ["auroc"], 150)["auroc"] for number in range(SETS)]
    return {key: float(np.mean([note[key] for note in notes])) for key in ("covers", "rejects")}


def test_intervals_hold_the_truth_and_equals_are_seldom_told_apart() -> None:
    """Three standard errors of 300 splits around 95 % and 5 %."""
    found = shares()
    assert found["covers"] == pytest.approx(0.95, abs=0.038)
    assert found["rejects"] == pytest.approx(0.05, abs=0.038)


def test_records_taken_for_patients_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a bootstrap of records, as if no two were of one patient."""
    real = Design.of

    def of_records(patients: list[str], resamples: int, seed: int) -> Design:
        return real([f"{row:05d}" for row in range(len(patients))], resamples, seed)

    monkeypatch.setattr(Design, "of", of_records)
    found = shares()
    assert found["covers"] < 0.90
    assert found["rejects"] > 0.09
