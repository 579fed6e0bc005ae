"""Two difficulties for several processes: negatives of other processes, a parameter without a gradient."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ecgbench.method import Batch, Method, Setup
from ecgbench.nn.distributed import gather
from ecgbench.nn.losses import info_nce


class Pairs(Method):
    """Tells which two halves belong together; draws nothing at random."""

    def __init__(self, config: Any, setup: Setup) -> None:
        super().__init__(config, setup)
        self.down = nn.Conv1d(len(setup.leads), config.width, 9, stride=4)
        self.spare = nn.Linear(2, 2)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Symmetric InfoNCE over the batch of all processes."""
        first, second = (gather(self.encode_ecg(half)) for half in batch.ecg.chunk(2, dim=-1))
        return {"loss": info_nce(first, second, 5.0)}

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """Mean and spread of each activation: ``[B, 2 * width]``."""
        found = self.down(ecg).tanh()
        return nn.functional.adaptive_avg_pool1d(found, 2).flatten(1)
