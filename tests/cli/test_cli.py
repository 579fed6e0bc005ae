"""The command line as its user meets it: light, clear, one line for a mistake."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ecgbench(ecgbench_home: Path, tmp_path: Path) -> Run:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ecgbench", *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    return run


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["list", "methods"], ["list", "tasks"], ["list", "datasets"], ["run", "--help"]],
)
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['ecgbench', *{arguments!r}]\n"
        "from ecgbench.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = 'torch lightning transformers sklearn scipy pandas wfdb matplotlib'.split()\n"
        "print('HEAVY', [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("HEAVY []")


def test_list_shows_what_ships(ecgbench: Run) -> None:
    assert "mae" in ecgbench("list", "methods").stdout
    assert "ptbxl-sub" in ecgbench("list", "tasks").stdout
    assert "CC BY 4.0" in ecgbench("list", "datasets").stdout


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["run", "--methods", "mea", "--tasks", "sim-sub"], "Unknown method 'mea'", "'mae'"),
        (["run", "--methods", "mae", "--tasks", "sim-subb"], "is named 'sim-subb'", "'sim-sub'"),
        (
            ["run", "--methods", "mae", "--tasks", "sim-sub", "pretrain.stepz=3"],
            "Unknown key 'pretrain.stepz'",
            "'pretrain.steps'",
        ),
        (
            ["run", "--methods", "mae", "--tasks", "ptbxl-sub"],
            "no prepared data of ptbxl",
            "ecgbench data fetch ptbxl",
        ),
        (
            ["run", "--methods", "mae", "--tasks", "sim-sub", "mea:pretrain.steps=3"],
            "Unknown method 'mea' in 'mea:pretrain.steps=3'",
            "'mae'",
        ),
        (
            ["run", "--methods", "mae", "--tasks", "sim-sub", "--data", "simm"],
            "Unknown data set 'simm'",
            "'sim'",
        ),
        (["run", "--methods", "mae,", "--tasks", "sim-sub"], "holds an empty name", "one comma"),
        (["run", "--methods", "mae", "--tasks", "sim-sub,"], "holds an empty name", "one comma"),
        (
            ["run", "--methods", "mae", "--tasks", "sim-sub", "pretrain.steps=-5"],
            "pretrain.steps cannot be -5: it takes at least 0 (the command line).",
            "default is 1500",
        ),
        (
            ["run", "--methods", "mae", "--tasks", "sim-sub", "evaluate.resamples=0"],
            "evaluate.resamples cannot be 0: it takes at least 1",
            "default is 1000",
        ),
        (
            ["run", "--methods", "classical", "--tasks", "sim-sub", "classical:pretrain.steps=5"],
            "does not apply to classical (not pre-trained)",
            "",
        ),
        (["list", "metods"], "no list of 'metods'", "'methods'"),
        (["leaderboard", "build"], "no leaderboard in ./leaderboards", "folder"),
    ],
)
def test_a_mistake_is_one_line_and_a_hint(
    ecgbench: Run, arguments: list[str], message: str, hint: str
) -> None:
    done = ecgbench(*arguments)
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert message in lines[0]
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_finds_an_installation_that_is_fine(ecgbench: Run) -> None:
    done = ecgbench("doctor")
    assert "torch" in done.stdout
    assert "none broken" in done.stdout
