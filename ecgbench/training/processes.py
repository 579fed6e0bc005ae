"""Training in several processes on one machine, each with its own device.

The processes run for one pre-training and end with it. The calling process then continues alone, so that each
cell is evaluated, and each result written, once.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_GRACE = 10.0  # seconds that a process has to end by itself


def together(work: Callable[[T, int], None], task: T, count: int) -> None:
    """Call ``work(task, rank)`` in new processes, one per rank, and wait for all of them.

    Lightning detects these processes: a trainer with ``count`` devices starts no others.

    Args:
        work: A function at the top level of a module.
        task: Argument; each process gets a copy.
        count: Number of processes.

    Raises:
        Exception: The exception of the first process that failed; the others are terminated.
    """
    from lightning.fabric.plugins.environments.lightning import find_free_network_port
    from torch.multiprocessing.spawn import (
        ProcessExitedException,
        ProcessRaisedException,
        spawn,
    )

    raised: SimpleQueue[Exception] = get_context("spawn").SimpleQueue()
    port = find_free_network_port()
    arguments = (work, task, port, raised)
    group = spawn(_process, arguments, nprocs=count, join=False)  # type: ignore[no-untyped-call]
    try:
        while not group.join(grace_period=_GRACE):
            pass
    except (ProcessRaisedException, ProcessExitedException) as ended:
        if raised.empty():
            raise
        raise raised.get() from ended  # the exception includes the traceback
    except KeyboardInterrupt:
        _stop(group.processes)
        raise


def _process(
    rank: int, work: Callable[[T, int], None], task: T, port: int, raised: SimpleQueue[Exception]
) -> None:
    import torch.distributed as dist

    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_RANK": str(rank)}
    try:
        work(task, rank)
    except Exception as error:
        raised.put(error)
        raise
    if dist.is_initialized():
        dist.destroy_process_group()


def _stop(processes: list[Any]) -> None:
    """Forward a Ctrl-C that only this process received, and terminate processes that wait for others."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGINT)
    for process in processes:
        process.join(_GRACE)
        process.kill()
