from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from leaderboard.made_up import board, put, split
from typer.testing import CliRunner

from ecgbench.base.errors import ResultError
from ecgbench.cli.leaderboard import app
from ecgbench.leaderboard.build import build
from ecgbench.leaderboard.diff import diff


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return board(tmp_path / "leaderboards/v1", [("mae", 1.0), ("clip", 1.2)], split(), seeds=1)


def run(*words: str | Path, fails: bool = False) -> str:
    outcome = CliRunner().invoke(app, [str(word) for word in words])
    assert outcome.exit_code == (1 if fails else 0), outcome.output
    return outcome.output


def test_build_check_and_default_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent.parent)
    assert "cells.csv is missing" in run("build", "--check", fails=True)
    assert "built" in run("build")
    assert "as its results make it" in run("build", "--check")


def test_no_leaderboard_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["build"], ["verify"], ["export"], ["build", "elsewhere"]):
        outcome = CliRunner().invoke(app, words)
        assert isinstance(outcome.exception, ResultError)
        assert outcome.exception.hint


def test_export_in_every_format(folder: Path) -> None:
    table = list(csv.DictReader(io.StringIO(run("export", folder, "--format", "csv"))))
    assert {row["method"] for row in table} == {"mae", "clip"}
    assert "\\toprule" in run("export", folder, "--format", "latex")
    assert "| Rank" in run("export", folder, "--only", "sim-toy/*")
    for words in (["--format", "cvs"], ["--only", "sim-tpy/*"]):
        outcome = CliRunner().invoke(app, ["export", str(folder), *words])
        assert isinstance(outcome.exception, ResultError)


def test_diff_names_cells_and_rows(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "v2"
    shutil.copytree(folder, other)
    assert all(not sheet.rows for sheet in diff(folder, other))
    put(other / "results", split(), 3.0, 5, **{"method.name": "mae"})
    put(other / "results", split(), 2.0, 6, **{"method.name": "new"})
    next((other / "results").rglob("clip@*/*.json")).unlink()
    cells, rows, pins = diff(folder, other)
    assert pins.rows == ()
    assert {row[0].split("@")[0]: row[1].split(":")[0] for row in cells.rows} == {
        "mae": "changed",
        "clip": "removed",
        "new": "added",
    }
    standing = {row[1]: row[2:] for row in rows.rows}
    assert standing["mae@sim"][0].startswith("rank 2")
    assert standing["mae@sim"][1].startswith("rank 1")
    assert "| mae" in run("diff", folder, other)


def test_diff_shows_what_a_submission_must_not_touch(folder: Path, tmp_path: Path) -> None:
    build(folder)
    other = tmp_path / "v2"
    shutil.copytree(folder, other)
    pinned = json.loads((other / "version.json").read_text())
    pinned["questions"]["sim-toy/toy-probe@100%"]["task"] = "f" * 64
    (other / "version.json").write_text(json.dumps(pinned))
    by_hand = {"by": "me", "on": "2026-01-01", "device": "cpu", "figures": {}}
    changes = {"method.name": "new", "verification": "verified", "reproduction": by_hand}
    put(other / "results", split(), 2.0, 6, **changes)
    cells, _, pins = diff(folder, other)
    assert [row[1] for row in cells.rows] == ["added: verified"]
    assert pins.rows == (("sim-toy/toy-probe@100%", "changed"),)
    (other / "version.json").unlink()
    assert diff(folder, other)[2].rows == (("sim-toy/toy-probe@100%", "removed"),)


def test_verify_says_that_labels_are_missing(folder: Path, ecgbench_home: Path) -> None:
    run("build", folder)
    for path in (folder / "results").rglob("*.json"):
        path.write_text(path.read_text().replace('"dataset": "sim"', '"dataset": "ptbxl"'))
    assert "Not scored again" in run("verify", folder, fails=True)


def test_light_commands_import_nothing_heavy(folder: Path) -> None:
    for words in (["--help"], ["export", str(folder)], ["diff", str(folder), str(folder)]):
        code = (
            "import sys; from ecgbench.cli.leaderboard import app\n"
            f"app({words!r}, standalone_mode=False)\n"
            "heavy = {'torch', 'sklearn', 'matplotlib', 'pandas', 'wfdb'} & sys.modules.keys()\n"
            "assert not heavy, heavy"
        )
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
