from __future__ import annotations

import numpy as np
import pytest
from data.conftest import ecg_like, write_record
from typer.testing import CliRunner, Result

from ecgbench.base.errors import DataError
from ecgbench.cli.data import app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=True)


def test_from_a_folder_to_a_verified_store(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    flat = ecg_like(np.random.default_rng(0), 1000, 100)
    flat[:, 1] = 0
    write_record(toy_folder, "records100/00000/00001_lr", flat)
    before = run("info", "toy")
    assert before.exit_code == 0
    assert "ecgbench data fetch toy" in before.output
    made = run("prepare", "toy", "--source", str(toy_folder), "--workers", "1")
    assert made.exit_code == 0, made.output
    after = run("info", "toy")
    for words in ("19 of 10 patients", "1 flat", "quarantine.csv", "12 leads, 100 Hz, mV"):
        assert words in after.output
    assert "sub: 4 classes; train / val / test: records" in after.output
    assert "19 records, every file is what it was" in run("verify", "toy").output


def test_a_simulated_set_says_so(ecgbench_home) -> None:
    assert "simulated, no recordings" in run("info", "sim").output


def test_errors_reach_the_caller(ecgbench_home) -> None:
    for arguments in (("verify", "ptbxl"), ("prepare", "ptbxl")):
        result = run(*arguments)
        assert isinstance(result.exception, DataError)
        assert result.exception.hint


@pytest.mark.parametrize("command", ["info", "prepare", "verify", "fetch"])
def test_every_command_explains_itself(command) -> None:
    assert run(command, "--help").exit_code == 0
