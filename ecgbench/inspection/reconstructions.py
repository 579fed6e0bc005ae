"""Masked inputs and their reconstructions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ecgbench.inspection.subject import Subject
from ecgbench.training.device import pick_device


@dataclass(frozen=True)
class Rebuilt:
    """One record, all arrays ``[leads, samples]`` in the unit of the method's input.

    Attributes:
        record: Its id.
        leads: Names of the rows.
        rate: Samples per second.
        target: The true signal.
        output: The reconstruction; equal to the target where nothing was hidden.
        hidden: True where the method did not see the input.
    """

    record: str
    leads: tuple[str, ...]
    rate: float
    target: NDArray[np.float32]
    output: NDArray[np.float32]
    hidden: NDArray[np.bool_]

    @property
    def residual(self) -> NDArray[np.float32]:
        """Target minus output."""
        return self.target - self.output

    def errors(self) -> tuple[float, float, float]:
        """Share hidden; there, the root mean square of the residual and of the target."""
        share = float(self.hidden.mean())
        if not share:
            return 0.0, 0.0, 0.0
        left, there = self.residual[self.hidden], self.target[self.hidden]
        return share, float(np.sqrt((left**2).mean())), float(np.sqrt((there**2).mean()))


def reconstructions(subject: Subject, count: int) -> list[Rebuilt]:
    """Mask and reconstruct evenly spaced validation records; empty if the method does not reconstruct.

    Args:
        subject: The method and its records.
        count: Maximum number of records.
    """
    method, seed = subject.encoder.method(), subject.recipe.seed
    records = subject.records()
    if not len(records.rows):
        return []
    chosen = np.unique(np.linspace(0, len(records.rows) - 1, count).round().astype(np.intp))
    some = records.take(chosen)
    signals = np.asarray(subject.encoder.signals(some), np.float32)
    device = pick_device(subject.recipe.config)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(seed)  # the same masks each time
        found = method.reconstruct(torch.from_numpy(signals).to(device))
    if found is None:
        return []
    target, output = (x.float().cpu().numpy() for x in (found.target, found.output))
    hidden = found.hidden.cpu().numpy()
    leads, rate = method.setup.leads, method.setup.rate
    return [
        Rebuilt(str(name), leads, rate, target[i], output[i], hidden[i])
        for i, name in enumerate(some.ids)
    ]


def spans(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The runs of True in ``[samples]``, as starts and stops."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
