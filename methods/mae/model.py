"""Masked autoencoding of ECGs, one token per lead and time patch (after ST-MEM)."""

from __future__ import annotations

import torch
from ecgbench.methods.mae.settings import MAESettings
from torch import Tensor

from ecgbench.method import Batch, Method, Reconstruction, Setup
from ecgbench.nn.masked import build_decoder, guess_hidden, hidden_error, picture
from ecgbench.nn.towers import build_vit


class MAE(Method):
    """Hides most patches of each lead and learns to reconstruct them from the visible ones.

    Only visible tokens pass through the encoder. A light decoder, which is only used in training,
    reconstructs the hidden patches, each normalised to zero mean and unit variance.
    """

    config: MAESettings

    def __init__(self, config: MAESettings, setup: Setup) -> None:
        super().__init__(config, setup)
        self.encoder = build_vit(config.vit, setup)
        self.decoder = build_decoder(config.decoder, setup, self.encoder, self.encoder.width)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Mean squared error of the hidden patches."""
        mask, guess = guess_hidden(self.encoder, self.decoder, self.config.mask, batch.ecg)
        return {"loss": hidden_error(batch.ecg, guess, mask)}

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The feature chosen by ``model.feature``: ``[B, L, T] -> [B, features]``."""
        tokens = self.encode_tokens(ecg)
        if self.config.feature == "pooled":
            return self.encoder.pool(tokens)
        return over_time(tokens, self.encoder.leads)

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """All patch tokens, lead by lead: ``[B, L, T] -> [B, L * N, width]``."""
        return self.encoder(ecg)

    def reconstruct(self, ecg: Tensor) -> Reconstruction:
        """A masked ECG and its reconstruction."""
        mask, guess = guess_hidden(self.encoder, self.decoder, self.config.mask, ecg)
        return picture(ecg, guess, mask)


def over_time(tokens: Tensor, leads: int) -> Tensor:
    """Mean, standard deviation and maximum over time per lead, averaged over the leads.

    A premature beat fills only one or two patches. The mean over time hardly changes, but the maximum does.

    Args:
        tokens: ``[B, L * N, width]``, lead by lead.
        leads: L.

    Returns:
        ``[B, 3 * width]``.
    """
    grid = tokens.view(len(tokens), leads, -1, tokens.shape[-1])
    spread = grid.std(2, correction=0)
    return torch.cat([part.mean(1) for part in (grid.mean(2), spread, grid.amax(2))], dim=-1)
