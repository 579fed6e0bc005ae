"""Records the steps of an optimiser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch


@contextmanager
def rates_of(optimiser: type[torch.optim.Optimizer]) -> Iterator[list[float]]:
    """The learning rate of each step of an optimiser that is made meanwhile."""
    rates: list[float] = []
    real = optimiser.step

    def watched(self: torch.optim.Optimizer, *args: object, **kwargs: object) -> object:
        rates.append(self.param_groups[0]["lr"])
        return real(self, *args, **kwargs)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optimiser, "step", watched)
        yield rates
