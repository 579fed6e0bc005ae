"""Device and precision of a run."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Literal

import torch

from ecgbench.base.errors import ConfigError
from ecgbench.config.sections import Config

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


def pick_device(config: Config) -> torch.device:
    """The device of ``compute.accelerator``; ``auto`` is a GPU if torch finds one, else the CPU.

    Raises:
        ConfigError: The requested accelerator is not available.
    """
    wanted: str = config.compute.accelerator
    available = {"cpu": True, "cuda": torch.cuda.is_available()}
    available["mps"] = torch.backends.mps.is_available()
    wanted = "cuda" if wanted == "gpu" else wanted
    if wanted == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if available[name]))
    if not available.get(wanted, False):
        raise ConfigError(
            f"compute.accelerator={wanted} is not available here.",
            "Use compute.accelerator=auto, or one of: "
            + ", ".join(name for name, here in available.items() if here),
        )
    return torch.device(wanted)


def pick_precision(config: Config, device: torch.device) -> Precision:
    """The precision of ``compute.precision``; ``auto`` is bf16 on a GPU that has it, else float32."""
    wanted = config.compute.precision
    if wanted == "auto":
        has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return "bf16-mixed" if has_bf16 else "32-true"
    known: dict[str, Precision] = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
    return known[wanted.removesuffix("-true").removesuffix("-mixed")]


def reduced_precision(config: Config) -> dict[str, Precision]:
    """Ingredients of an address for the precision; empty for full precision.

    Raises:
        ConfigError: As :func:`pick_device`.
    """
    precision = pick_precision(config, pick_device(config))
    return {} if precision == "32-true" else {"precision": precision}


def processes(config: Config) -> int:
    """Number of pre-training processes on this machine: one for each of ``compute.devices``."""
    return config.compute.devices


def autocast(device: torch.device, precision: Precision) -> contextlib.AbstractContextManager[Any]:
    """The autocast context of a forward pass."""
    if precision == "32-true":
        return contextlib.nullcontext()
    dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float16
    return torch.autocast(device.type, dtype=dtype)


def use_threads(config: Config) -> None:
    """Let torch use ``compute.threads`` threads, or all cores."""
    torch.set_num_threads(int(config.compute.threads) or os.cpu_count() or 1)


def describe(device: torch.device) -> str:
    """Description of the device, for results."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"{device.type} ({torch.get_num_threads()} threads)"
