from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ecgbench.leaderboard.overall import Line, blocks, compared, lines, overall_sheet
from ecgbench.leaderboard.questions import questions
from ecgbench.leaderboard.tables import Table, answer
from ecgbench.results.store import read_results
from ecgbench.stats.pairs import compare, holm
from ecgbench.stats.standings import rank_intervals

from .made_up import put, split

SKILLS = {"a": 1.3, "b": 1.15, "c": 1.0, "d": 0.85}


def fill(folder: Path, seeds: dict[str, int]) -> list[Table]:
    for number, task in enumerate(("one", "two")):
        for place, (name, skill) in enumerate(SKILLS.items()):
            for seed in range(seeds[name]):
                changes = {"method.name": name, "task.name": f"sim-{task}", "seed": seed}
                put(folder, split(300, seed=number), skill, 50 * place + 7 * number, **changes)
    asked = questions(result for _, result in read_results(folder))
    return [table for question in asked for table in answer(question)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Table]:
    return fill(tmp_path_factory.mktemp("overall"), dict.fromkeys(SKILLS, 3))


@pytest.mark.parametrize("statement", ["weights", "procedure"])
def test_mean_ranks_come_from_tests_with_one_correction_over_all_tasks(
    whole: list[Table], statement: str
) -> None:
    found = {line.row: line for line in lines(blocks(whole)[0])}
    keys = sorted(found)
    upper = np.triu_indices(4, 1)
    runs = []
    for table in whole:
        rows = [table.row(key) for key in keys]
        runs.append([row.summaries["auroc"].runs for row in rows if row is not None])
    raw = np.array([compare(task, statement).p_values()[upper] for task in runs])  # type: ignore[arg-type]

    def spans(apart: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = []
        for task, one in zip(runs, apart, strict=True):
            values = np.array([item.value for item in task if item is not None])
            matrix = np.zeros((4, 4), bool)
            matrix[upper] = one
            found.append(rank_intervals(matrix | matrix.T, values[None] > values[:, None]))
        low, high = np.mean(found, axis=0)
        return low, high

    low, high = spans(holm(raw.ravel()).reshape(raw.shape) < 0.05)
    ranks = [getattr(found[key], statement) for key in keys]
    assert [rank.low for rank in ranks] == low.tolist()
    assert [rank.high for rank in ranks] == high.tolist()
    assert low.tolist() + high.tolist() != np.concatenate(spans(raw < 0.05)).tolist()
    assert sum(rank.value for rank in ranks) == pytest.approx(10)


def test_rows_of_few_seeds_are_in_no_mean_rank_of_procedures(tmp_path: Path) -> None:
    tables = fill(tmp_path, {"a": 3, "b": 3, "c": 1, "d": 3})
    found: dict[str, Line] = {line.row: line for line in lines(blocks(tables)[0])}
    assert math.isnan(found["c@sim"].procedure.value)
    assert max(line.procedure.high for line in found.values() if line.row != "c@sim") <= 3
    assert found["c@sim"].weights.value >= 1
    assert [line.row for line in lines(blocks(tables)[0])][-1] == "c@sim"
    assert {row for row, _ in compared(list(found.values()))} == {"a@sim", "b@sim", "d@sim"}
    sheet = overall_sheet(blocks(tables))
    few = next(row for row in sheet.rows if row[1] == "c@sim")
    assert few[sheet.columns.index("mean_rank")] == ""
    assert few[sheet.columns.index("weights_mean_rank")] != ""


def test_tables_of_single_seeds_are_compared_as_weights(tmp_path: Path) -> None:
    tables = fill(tmp_path, dict.fromkeys(SKILLS, 1))
    answered = lines(blocks(tables)[0])
    assert all(math.isnan(line.procedure.value) for line in answered)
    assert {row for row, _ in compared(answered)} == {f"{name}@sim" for name in SKILLS}
