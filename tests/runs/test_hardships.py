"""Runs under external faults: Ctrl-C, a full disk, a missing folder or device."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ecgbench.base.errors import ConfigError, StorageError
from ecgbench.runs import predict
from ecgbench.runs.run import Request, carry_out, make_plan

from .conftest import PLUGINS

RequestFor = Callable[..., Request]


@pytest.mark.slow
def test_ctrl_c_in_a_training_is_one_line(small_matrix: None, tmp_path: Path) -> None:
    """As in a terminal: Lightning and Typer each would end it in silence."""
    home = Path(os.environ["ECGBENCH_HOME"])
    saved = "checkpoints/tiny-*.partial/stage0/last.ckpt"
    before = set(home.glob(saved))
    paths = {f"ECGBENCH_{name.upper()}_PATH": str(PLUGINS / name) for name in PLUGIN_KINDS}
    command = "run --methods=tiny --tasks=sim-tiny-super pretrain.steps=1000000 compute.threads=1"
    process = subprocess.Popen(
        [sys.executable, "-m", "ecgbench", *command.split()],
        cwd=tmp_path,
        env=os.environ | paths,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )
    deadline = time.monotonic() + 120
    while set(home.glob(saved)) == before and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    said = errors.splitlines()[2:]  # after the plan and the group
    assert said == ["Stopped. Run the same command again: it goes on where it was."]
    assert not list((tmp_path / "runs").iterdir())


PLUGIN_KINDS = ("methods", "tasks", "datasets")


def hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job is started deaf


def never(*args: object) -> None:
    raise AssertionError("it began to train")


def test_a_results_folder_that_cannot_be_written_to_stops_before_training(
    request_for: RequestFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    plan = make_plan(request_for(out=tmp_path / "file" / "out"))
    monkeypatch.setattr(predict, "pretrain", never)
    with pytest.raises(StorageError, match="Cannot write"):
        carry_out(plan)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("compute.accelerator=mps", "mps is not available"),
        ("compute.precision=8", "cannot be"),
        ("compute.devices=3", "batch_size=16 does not divide"),
    ],
)
def test_a_device_that_is_not_here_or_does_not_fit_stops_before_training(
    request_for: RequestFor, monkeypatch: pytest.MonkeyPatch, override: str, message: str
) -> None:
    monkeypatch.setattr(predict, "pretrain", never)
    with pytest.raises(ConfigError, match=message):
        carry_out(make_plan(request_for(overrides=(override,))))


def test_a_full_disk_ends_the_run_and_is_no_methods_failure(
    request_for: RequestFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(recipe: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "here/last.ckpt")

    request = request_for()
    plan = make_plan(request)
    monkeypatch.setattr(predict, "pretrain", full)
    with pytest.raises(StorageError, match=r"Cannot write here/last.ckpt: No space left"):
        carry_out(plan)
    assert not list(request.out.rglob("*.json"))
