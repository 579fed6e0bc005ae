"""Run a function on many items on all cores, with a progress bar and a clean stop on Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from typing import TypeVar

from ecgbench.base.progress import track

T = TypeVar("T")


def for_each(
    job: Callable[[T], None], items: Sequence[T], description: str, workers: int | None = None
) -> None:
    """Call ``job`` on every item, in no particular order.

    Args:
        job: Picklable; what it makes goes to disk.
        items: One call each; with one item or one worker they run in this process.
        description: For the progress bar.
        workers: Processes; None: one per core.
    """
    count = min(workers or os.cpu_count() or 1, len(items))
    if count <= 1:
        for item in track(items, description):
            job(item)
        return
    from joblib import Parallel, delayed

    calls = (delayed(_in_worker)(job, item) for item in items)
    done = Parallel(n_jobs=count, return_as="generator_unordered")(calls)
    for _ in track(done, description, total=len(items)):
        pass


def _in_worker(job: Callable[[T], None], item: T) -> None:
    # Ctrl-C reaches every process of the terminal: the parent ends its workers, which say nothing
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    job(item)
