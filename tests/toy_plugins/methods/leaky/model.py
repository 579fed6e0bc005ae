"""A method whose statistics drift while it is frozen: what the harness has to catch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ecgbench.method import Method, Setup


class Leaky(Method):
    """Counts what it has seen."""

    def __init__(self, config: Any, setup: Setup) -> None:
        super().__init__(config, setup)
        self.register_buffer("seen", torch.zeros(1))

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The mean of each lead, and a side effect."""
        self.seen += len(ecg)
        return ecg.mean(-1)
