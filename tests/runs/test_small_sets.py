"""Small and one-sided data sets of a user's own: a cell that cannot be scored says why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from ecgbench.data.opening import prepare
from ecgbench.results.schema import Result
from ecgbench.runs.run import Request, carry_out, make_plan

RequestFor = Callable[..., Request]
TASK = """
name: flag
title: One disease, 0 or 1
version: 1
dataset: flagged
labels: flag
protocols: [linear-probe]
"""


def evaluated(
    request_for: RequestFor,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: Sequence[str],
    splits: Sequence[str],
) -> Result:
    """Evaluate classical features on a table with one column of 0 and 1."""
    (folder / "catalogue").mkdir(parents=True)
    (folder / "tasks").mkdir()
    (folder / "tasks/flag.yaml").write_text(TASK)
    entry = {
        "name": "flagged", "title": "flagged", "version": "1", "licence": "private",
        "citation": "none", "layout": "table", "rate": 100, "seconds": 10,
        "splits": {"by": "patient"}, "label_sets": ["flag"],
        "options": {"labels": {"flag": {"columns": ["flag"]}}},
    }  # fmt: skip
    (folder / "catalogue/flagged.yaml").write_text(json.dumps(entry))
    rng = np.random.default_rng(0)
    rows = ["record_id,path,flag,split"]
    for number, (flag, split) in enumerate(zip(flags, splits, strict=True)):
        np.save(folder / f"r{number}.npy", np.cumsum(rng.normal(0, 0.05, (12, 1000)), axis=1))
        rows.append(f"r{number},r{number}.npy,{flag},{split}")
    (folder / "records.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.setenv("ECGBENCH_DATASETS_PATH", str(folder / "catalogue"))
    monkeypatch.setenv("ECGBENCH_TASKS_PATH", str(folder / "tasks"))
    prepare("flagged", folder, workers=1)
    results: list[Result] = []
    request = request_for("classical", "flag/linear-probe@100%")
    carry_out(make_plan(request), on_result=results.append)
    (result,) = results
    return result


SPLITS = ["train"] * 8 + ["val"] * 4 + ["test"] * 4
BOTH = ["0", "1"]


@pytest.mark.parametrize(
    ("flags", "splits", "reason"),
    [
        (BOTH * 6 + ["0"] * 4, SPLITS, r"test records \(positives: flag 0 of 4\)"),
        (BOTH * 6 + ["1"] * 4, SPLITS, r"test records \(positives: flag 4 of 4\)"),
        (BOTH * 6 + [""] * 4, SPLITS, "no test record is left|flag 0 of 0"),
        (["0"] * 8 + BOTH * 4, SPLITS, "train split of flagged has one kind of label"),
        ([""] * 8 + BOTH * 4, SPLITS, "train split of flagged has no labelled record"),
        (BOTH * 4 + [""] * 4 + BOTH * 2, SPLITS, "val split of flagged has no labelled record"),
    ],
)
def test_a_cell_that_cannot_be_scored_says_why(
    request_for: RequestFor, tmp_path: Path, monkeypatch, flags, splits, reason
) -> None:
    result = evaluated(request_for, tmp_path / "own", monkeypatch, flags, splits)
    assert result.status == "not-applicable", result.reason
    assert result.scores is None
    assert result.predictions is None
    assert re.search(reason, str(result.reason)), result.reason


def test_negatives_are_scored(request_for: RequestFor, tmp_path: Path, monkeypatch) -> None:
    result = evaluated(request_for, tmp_path / "own", monkeypatch, BOTH * 8, SPLITS)
    assert result.status == "ok", result.reason
    assert result.scores is not None
    (figures,) = result.scores.classes
    assert (figures.name, figures.positives, figures.negatives) == ("flag", 2, 2)
