"""A short form of ``tests/benchmarks/coverage_tables.py``: made-up tables of five rows of equal worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.coverage_tables import GENERATORS, TABLES, judge
from numpy.typing import NDArray

from ecgbench.stats import pairs, standings
from ecgbench.stats.components import Statement, Training, interval_of
from ecgbench.stats.pairs import compare

from .made_up import World

TRUE = np.full(5, 0.8)
SETS = 400
SEEDS = World(patients=0.02, row=0.015, run=0.005, seed=0.015)
NONE = replace(SEEDS, seed=0.0)


def shares(world: World, statement: Statement, seeds: int, draws: int = 1) -> dict[str, float]:
    """How often intervals cover, tests reject equals, and a table separates any of its equal rows."""
    rng = np.random.default_rng([seeds, draws])
    covers, rejects, wrong = [], [], []
    for _ in range(SETS):
        rows = world.rows(rng, TRUE, seeds, draws, resamples=100)
        spans = [interval_of(row, statement) for row in rows]
        covers += [span.low <= 0.8 <= span.high for span in spans]
        found = standings.standings(rows, statement)
        rejects += list(compare(rows, statement).p_values()[np.triu_indices(5, 1)] < 0.05)
        wrong.append(found.low != [1] * 5 or found.high != [5] * 5)
    return {
        "covers": float(np.mean(covers)),
        "rejects": float(np.mean(rejects)),
        "wrong": float(np.mean(wrong)),
    }


CASES = [
    ("weights", NONE, 1, 1),
    ("procedure", SEEDS, 3, 1),
    ("procedure", SEEDS, 5, 1),
    ("procedure", replace(SEEDS, draw=0.02, row_draw=0.01, rest=0.01), 3, 5),
]


@pytest.mark.parametrize(("statement", "world", "seeds", "draws"), CASES)
def test_statements_hold_their_level(
    statement: Statement, world: World, seeds: int, draws: int
) -> None:
    found = shares(world, statement, seeds, draws)
    assert found["covers"] == pytest.approx(0.95, abs=0.025)
    assert found["rejects"] == pytest.approx(0.05, abs=0.015)
    assert found["wrong"] < 0.08


def test_weights_of_several_seeds_do_not_pass_for_a_procedure() -> None:
    """Planted: the old tables, whose tests and ranks left seeds out."""
    found = shares(SEEDS, "weights", 3)
    assert found["rejects"] > 0.10
    assert found["wrong"] > 0.12


def test_seeds_left_out_of_the_variance_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(values: NDArray[np.float64]) -> Training:
        return Training(0.0, 0.0, 0.0)

    monkeypatch.setattr(pairs, "training", without)
    assert shares(SEEDS, "procedure", 3)["rejects"] > 0.08


def test_tables_without_holms_correction_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    def uncorrected(p: NDArray[np.float64]) -> NDArray[np.float64]:
        return p

    monkeypatch.setattr(pairs, "holm", uncorrected)
    for statement, world, seeds, draws in CASES[:2]:
        assert shares(world, statement, seeds, draws)["wrong"] > 0.12  # type: ignore[arg-type]


def runs_of_neighbours(apart: NDArray[np.bool_]) -> list[str]:
    """Planted: the old letters."""
    n, spans = len(apart), list[tuple[int, int]]()
    for start in range(n):
        end = start
        while end + 1 < n and not apart[start : end + 1, end + 1].any():
            end += 1
        if not spans or end > spans[-1][1]:
            spans.append((start, end))
    return ["".join(chr(97 + k) for k, (a, b) in enumerate(spans) if a <= i <= b) for i in range(n)]


@pytest.mark.parametrize("how", [standings.letters, runs_of_neighbours])
def test_letters_say_what_the_tests_say(
    how: Callable[[NDArray[np.bool_]], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standings, "letters", how)
    rng = np.random.default_rng(0)
    world = World(patients=0.02, row=0.004, run=0.002, seed=0.002)
    graded = np.linspace(0.78, 0.82, 6)
    wrong = 0
    for _ in range(60):
        noisy = [World(seed=0.02).rows(rng, graded[:1])[0], *world.rows(rng, graded[1:])]
        found = standings.standings(noisy, "procedure")
        shared = [[bool(set(a) & set(b)) for b in found.letters] for a in found.letters]
        wrong += int((np.array(shared) == found.apart).sum())
    assert (wrong == 0) == (how is not runs_of_neighbours)


@pytest.mark.slow
@pytest.mark.parametrize("of", GENERATORS, ids=lambda of: of.name)
@pytest.mark.parametrize("table", [TABLES[0], TABLES[1]], ids=lambda table: table.name)
def test_simulated_splits(of, table) -> None:  # type: ignore[no-untyped-def]
    """Three standard errors of 60 tables."""
    notes = [judge(of, table, number, 100) for number in range(60)]
    for what, wanted in (("interval", 0.95), ("test", 0.05), ("drop", 0.95), ("group", 0.95)):
        found = [
            x for note in notes for key, many in note.items() if key.endswith(what) for x in many
        ]
        assert np.mean(found) == pytest.approx(wanted, abs=0.085), what
