"""Several processes make what one makes, and leave one behind: the one that asked for them."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ecgbench.base.errors import ConfigError
from ecgbench.plugins.catalogue import methods
from ecgbench.results.store import read_result
from ecgbench.runs.run import Request, make_plan
from ecgbench.training import processes
from ecgbench.training.pretrain import pretrain
from ecgbench.training.processes import together

PLUGINS = Path(__file__).resolve().parent / "plugins"
OTHERS = PLUGINS.parent.parent / "toy_plugins"


@pytest.mark.slow
def test_two_processes_learn_and_see_what_one_does(
    request_for: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With negatives of each other, a crop, and a parameter that gets no gradient."""
    monkeypatch.setattr(methods, "paths", [PLUGINS])
    weights, looks = [], []
    for count in (1, 2):
        overrides = ("compute.accelerator=cpu", f"compute.devices={count}")
        plan = make_plan(request_for("pairs", overrides=overrides))
        made = pretrain(plan.planned[0].session.recipe)
        weights.append(load_file(made.path / "weights.safetensors"))
        rows = csv.DictReader((made.path / "training.csv").open())
        looks.append([float(row["value"]) for row in rows if row["name"] == "val/loss"])
        assert made.manifest["devices"] == count
        shutil.rmtree(made.path)  # the address is the same
    one, two = weights
    assert not torch.equal(one["down.weight"], torch.zeros_like(one["down.weight"]))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-5)
    assert len(looks[0]) == 2
    assert looks[1] == pytest.approx(looks[0], rel=1e-4)


@pytest.mark.slow
def test_each_result_is_written_once_and_the_run_ends(tmp_path: Path, small_home: Path) -> None:
    """Two seeds: the second pre-training starts processes of its own."""
    command = "run --methods=tiny --tasks=sim-tiny-super/linear-probe@100% --seeds=2"
    settings = "compute.accelerator=cpu compute.devices=2 compute.threads=1"
    paths = {
        f"ECGBENCH_{n.upper()}_PATH": str(OTHERS / n) for n in ("methods", "tasks", "datasets")
    }
    done = subprocess.run(
        [sys.executable, "-m", "ecgbench", *command.split(), *settings.split()],
        cwd=tmp_path,
        env=os.environ | paths | {"ECGBENCH_HOME": str(small_home)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("AUROC") == 1, "more than one process reports"
    results = [read_result(file) for file in (tmp_path / "runs").rglob("*.json")]
    assert sorted(result.seed for result in results) == [0, 1]
    assert [(result.status, result.test_evaluations) for result in results] == [("ok", 1)] * 2


def fail(task: str, rank: int) -> None:
    if rank == 1:
        raise ConfigError(f"{task} cannot be.", "Make it otherwise.")
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)  # waits for the other


def test_what_a_process_raises_is_raised_here_and_ends_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "_GRACE", 0.1)
    with pytest.raises(ConfigError, match="It cannot be") as caught:
        together(fail, "It", 2)
    assert caught.value.hint == "Make it otherwise."
    assert "in fail" in str(caught.value.__cause__)
