"""What a machine is, and how fast it can be: the limits that a measurement is held against."""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ecgbench.performance.timing import Way, interleaved

MATRIX = 1024


def describe() -> dict[str, Any]:
    """Processor, cores, memory, accelerator and versions; no name of a host or a user."""
    import torch

    gpu = torch.cuda.is_available()
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": _memory_gib(),
        "gpu": torch.cuda.get_device_name() if gpu else None,
        "gpu_memory_gib": round(torch.cuda.get_device_properties(0).total_memory / 2**30, 1)
        if gpu
        else None,
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def limits(rounds: int = 5) -> dict[str, float]:
    """Measured limits of this machine.

    Returns:
        ``matmul_f32_gflops`` and ``matmul_bf16_gflops`` of a square product, ``copy_gb_s`` of memory,
        ``disk_gb_s`` of a file read once after it was written (from the cache where it fits there).
    """
    import torch

    one = torch.randn(MATRIX, MATRIX)
    half = one.bfloat16()
    block = np.zeros(32 * 2**20, np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "block"
        file.write_bytes(block.tobytes())
        seconds = interleaved(
            {
                "f32": Way(lambda: one @ one, repeat=3),
                "bf16": Way(lambda: half @ half, repeat=3),
                "copy": Way(block.copy, repeat=3),
                "disk": Way(file.read_bytes),
            },
            rounds,
        )
    best = {name: min(values) for name, values in seconds.items()}
    return {
        "matmul_f32_gflops": round(2 * MATRIX**3 / best["f32"] / 1e9, 1),
        "matmul_bf16_gflops": round(2 * MATRIX**3 / best["bf16"] / 1e9, 1),
        "copy_gb_s": round(2 * block.nbytes / best["copy"] / 1e9, 2),
        "disk_gb_s": round(block.nbytes / best["disk"] / 1e9, 2),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
