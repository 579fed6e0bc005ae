"""Files that several processes want: made once, by one of them; a dead one holds up nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecgbench.base.paths import make_once
from ecgbench.results.ledger import note_test_evaluation, read_ledger

MAKER = """
import sys, time
from pathlib import Path
from ecgbench.base.paths import make_once

target = Path(sys.argv[1])

def make(scratch):
    with (target.parent / "calls.txt").open("a") as file:
        file.write("call\\n")
    time.sleep(float(sys.argv[2]))
    (scratch / "done.txt").write_text("whole")

make_once(target, make)
print((target / "done.txt").read_text())
"""

NOTER = """
import sys
from pathlib import Path
from ecgbench.results.ledger import note_test_evaluation

counts = [
    note_test_evaluation(Path(sys.argv[1]), "cell", f"{sys.argv[2]}-{number}") for number in range(40)
]
print(*counts)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    pytest.fail(f"{path} has not come")


def test_the_second_process_waits_and_reads(tmp_path: Path) -> None:
    target = tmp_path / "made"
    both = [start(MAKER, target, 1) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].strip() for process in both]
    assert said == ["whole", "whole"]
    assert (tmp_path / "calls.txt").read_text().splitlines() == ["call"]


def test_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    target = tmp_path / "made"
    holder = start(MAKER, target, 600)
    wait_for(tmp_path / "calls.txt")
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    assert not target.exists()
    make_once(target, lambda scratch: (scratch / "done.txt").write_text("whole"))
    assert (target / "done.txt").read_text() == "whole"


def test_no_entry_of_the_ledger_is_lost_or_counted_twice(tmp_path: Path) -> None:
    both = [start(NOTER, tmp_path, name) for name in "ab"]
    counts = [int(n) for process in both for n in process.communicate(timeout=120)[0].split()]
    assert sorted(counts) == list(range(1, 81))  # each evaluation got a number of its own
    assert len(read_ledger(tmp_path)["cell"]) == 80
    assert note_test_evaluation(tmp_path, "cell", "a-0") == 80
