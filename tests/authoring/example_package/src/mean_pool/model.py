"""Mean pool: reconstructs hidden samples. Change this example into your method."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ecgbench.method import Batch, Method, Setup

from .settings import MeanPoolSettings


class MeanPool(Method):
    """Hides random samples in all leads and reconstructs them from the others."""

    config: MeanPoolSettings

    def __init__(self, config: MeanPoolSettings, setup: Setup) -> None:
        super().__init__(config, setup)
        leads, width = len(setup.leads), config.width
        self.encoder = nn.Sequential(
            nn.Conv1d(leads, width, 25, stride=5, padding=12),
            nn.GELU(),
            nn.Conv1d(width, width, 9, padding=4),
            nn.GELU(),
        )
        self.decoder = nn.ConvTranspose1d(width, leads, 5, stride=5)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Mean squared error of the hidden samples."""
        hidden = torch.rand_like(batch.ecg[:, :1]) < self.config.hidden
        guess = self.decoder(self.encoder(batch.ecg * ~hidden))[..., : batch.ecg.shape[-1]]
        wrong = (guess - batch.ecg).square() * hidden
        return {"loss": wrong.sum() / (hidden.sum() * batch.ecg.shape[1]).clamp(min=1)}

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """Mean and maximum over time: ``[B, leads, samples] -> [B, 2 * width]``."""
        tokens = self.encoder(ecg)
        return torch.cat([tokens.mean(-1), tokens.amax(-1)], 1)

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """``[B, leads, samples] -> [B, samples / 5, width]``."""
        return self.encoder(ecg).transpose(1, 2)
