from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from ecgbench.data.parallel import for_each

PROGRAM = """
import signal, sys, time
from pathlib import Path
from ecgbench.data.parallel import for_each

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job is started deaf to it

def slow(item):
    Path(sys.argv[1], str(item)).write_text("")
    time.sleep(0.3)

try:
    for_each(slow, range(200), "slow", 2)
except KeyboardInterrupt:
    sys.exit(130)
"""


def write(folder: Path, item: int) -> None:
    (folder / str(item)).write_text(str(os.getpid()))


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_is_done_once(tmp_path, workers) -> None:
    for_each(partial(write, tmp_path), range(9), "writing", workers)
    assert {path.name for path in tmp_path.iterdir()} == {str(item) for item in range(9)}
    here = {path.read_text() == str(os.getpid()) for path in tmp_path.iterdir()}
    assert here == {workers == 1}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_reaches_the_caller(tmp_path, workers) -> None:
    with pytest.raises(FileNotFoundError):
        for_each(partial(write, tmp_path / "nowhere"), range(4), "writing", workers)


@pytest.mark.slow
def test_ctrl_c_ends_all_processes_in_silence(tmp_path) -> None:
    """As in a terminal: the signal reaches the whole group."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    done = len(list(tmp_path.iterdir()))
    time.sleep(1)
    assert len(list(tmp_path.iterdir())) == done < 200
