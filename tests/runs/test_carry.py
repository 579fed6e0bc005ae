"""Results carried over to changed code: a refactoring keeps them, a change of behaviour is found."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecgbench.base import code
from ecgbench.cli.app import app
from ecgbench.plugins.catalogue import methods
from ecgbench.results.store import read_results
from ecgbench.runs.carry import carry, stale_results
from ecgbench.runs.run import Request, carry_out, make_plan
from runs.conftest import PLUGINS

TASKS = "sim-tiny-super/linear-probe@100%,sim-tiny-super/linear-probe@10%,sim-tiny-super/shuffled-labels"


@pytest.fixture
def plugins(small_matrix: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "plugins"
    shutil.copytree(PLUGINS / "methods", folder)
    monkeypatch.setattr(methods, "paths", [folder])
    yield folder
    code.forget()


@pytest.fixture
def board(plugins: Path, request_for: Callable[..., Request]) -> Request:
    request = request_for(tasks=TASKS)
    carry_out(make_plan(request))
    assert make_plan(request).missing == 0
    return request


def edit(plugins: Path, old: str, new: str) -> None:
    """Change the method's code, as a new process would find it."""
    file = plugins / "tiny" / "model.py"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    code.forget()
    for name in [name for name in sys.modules if name.startswith("ecgbench_plugin_tiny")]:
        del sys.modules[name]


def test_a_refactoring_is_carried_over_and_the_records_say_so(
    board: Request, plugins: Path, tmp_path: Path
) -> None:
    edit(
        plugins,
        "found = self.down(ecg).relu()",
        "found = self.down(ecg)\n        found = found.relu()",
    )
    assert make_plan(board).missing == 11
    before = dict(read_results(board.out))
    stale, left = stale_results(board.out, tmp_path / "work")
    assert (len(stale), left) == (11, {})
    verdicts = list(carry(board.out, stale, seed=7))
    assert [(len(v.cells), v.problem) for v in verdicts] == [(6, None), (5, None)]
    assert make_plan(board).missing == 0
    for path, result in read_results(board.out):
        (note,) = result.carried
        old = before[path]
        assert note.from_code == old.code.predictions != result.code.predictions
        assert (note.from_commit, note.seed) == (old.provenance.commit, 7)
        (sample,) = [v.sample for v in verdicts if result.key in v.cells]
        assert note.sample == (sample,)
        same = {"code", "carried"}
        assert result.model_dump(exclude=same) == old.model_dump(exclude=same)
    assert len(list(read_results(tmp_path / "work"))) == 2
    assert stale_results(board.out, tmp_path / "work") == ([], {})


def test_a_change_of_behaviour_is_named_and_left(board: Request, plugins: Path) -> None:
    edit(plugins, "adaptive_avg_pool1d(found, 4)", "adaptive_avg_pool1d(found, 2)")
    before = {path: path.read_bytes() for path, _ in read_results(board.out)}
    said = CliRunner().invoke(app, ["leaderboard", "carry", str(board.out), "--seed", "3"])
    assert said.exit_code == 0, said.output
    assert "seed 3" in said.output
    assert said.output.count("its predictions differ") >= 2
    assert "11 cells of other code, 11 to run again" in said.output
    assert {path: path.read_bytes() for path, _ in read_results(board.out)} == before
    assert make_plan(board).missing == 11


def test_an_interrupted_carry_goes_on(board: Request, plugins: Path, tmp_path: Path) -> None:
    edit(
        plugins,
        "found = self.down(ecg).relu()",
        "found = self.down(ecg)\n        found = found.relu()",
    )
    stale, _ = stale_results(board.out, tmp_path / "work")
    first = next(carry(board.out, stale, seed=1))
    assert make_plan(board).missing == 11 - len(first.cells)
    stale, _ = stale_results(board.out, tmp_path / "work")
    (second,) = carry(board.out, stale, seed=1)
    assert len(second.cells) + len(first.cells) == 11
    assert make_plan(board).missing == 0


def test_changed_predictions_are_not_carried_over(
    board: Request, plugins: Path, tmp_path: Path
) -> None:
    file = sorted(board.out.rglob("*.npz"))[0]
    file.write_bytes(file.read_bytes() + b"x")
    edit(
        plugins,
        "found = self.down(ecg).relu()",
        "found = self.down(ecg)\n        found = found.relu()",
    )
    stale, left = stale_results(board.out, tmp_path / "work")
    assert len(stale) == 10
    assert list(left.values()) == ["its predictions are missing or changed"]
