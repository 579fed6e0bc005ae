"""A method as small as one can be."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from ecgbench.method import Batch, Method, Setup


class Tiny(Method):
    """Guesses a smoothed ECG from a noisy one."""

    def __init__(self, config: Any, setup: Setup) -> None:
        super().__init__(config, setup)
        leads = len(setup.leads)
        self.down = nn.Conv1d(leads, config.width, 9, stride=4, padding=4)
        self.up = nn.ConvTranspose1d(config.width, leads, 4, stride=4)
        self.drop = nn.Dropout(config.dropout)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Mean squared error of the reconstruction."""
        guess = self.up(self.drop(self.down(batch.ecg).relu()))
        return {"loss": F.mse_loss(guess[..., : batch.ecg.shape[-1]], batch.ecg)}

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """Mean and largest activation: ``[B, 2 * width]``."""
        found = self.down(ecg).relu()
        return F.normalize(nn.functional.adaptive_avg_pool1d(found, 4).flatten(1), dim=1)
