"""Encoders that bring their own architecture: programs of TorchScript and of torch.export."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from ecgbench.base.errors import EcgbenchError

TORCHSCRIPT, EXPORTED = "torchscript", "exported"
FILES = {TORCHSCRIPT: "encoder.torchscript", EXPORTED: "encoder.pt2"}
"""Names of the programs among a checkpoint's assets."""


def read_program(kind: str, path: Path) -> nn.Module:
    """Read a program that maps ``[B, L, T]`` to features or tokens.

    Args:
        kind: ``torchscript`` (written by ``torch.jit.save``) or ``exported`` (by ``torch.export.save``).
        path: The file.

    Raises:
        EcgbenchError: The file is no such program.
    """
    try:
        if kind == TORCHSCRIPT:
            program: nn.Module = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
            return program
        with _tensors_only():
            return torch.export.unflatten(torch.export.load(path))
    except Exception as error:  # torch raises RuntimeError, OSError, KeyError and more of its own
        writer = "torch.jit.save" if kind == TORCHSCRIPT else "torch.export.save"
        raise EcgbenchError(
            f"{path.name} is no program that {writer} wrote: {str(error).splitlines()[0]}",
            "For a state dict set model.architecture to the network that it belongs to.",
        ) from error


def checked_batches(program: nn.Module, leads: int, samples: int) -> nn.Module:
    """The program, where it takes batches of more than one size.

    Args:
        program: From :func:`read_program`.
        leads: Of its input.
        samples: Of its input.

    Raises:
        EcgbenchError: The program takes no such input, or batches of one size only.
    """
    for records in (1, 3):
        try:
            with torch.no_grad():
                program.eval()(torch.zeros(records, leads, samples))
        except Exception as error:
            raise EcgbenchError(
                f"The program takes no batch of {records} records of {leads} leads x {samples} samples: "
                f"{str(error).splitlines()[0]}",
                "Export it with a dynamic first dimension; set signal.* and model.leads to its input.",
            ) from error
    return program


@contextlib.contextmanager
def _tensors_only() -> Iterator[None]:
    """Let torch.load unpickle nothing but tensors, also where torch.export asks for more."""
    with mock.patch.dict(os.environ, {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}):
        yield
