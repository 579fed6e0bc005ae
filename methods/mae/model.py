"""Masked autoencoding of ECGs, one token per lead and time patch (after ST-MEM)."""

from __future__ import annotations

import torch
from omegaconf import DictConfig
from torch import Tensor

from ecgbench.base.errors import ConfigError, did_you_mean
from ecgbench.method import Batch, Method, Reconstruction, Setup
from ecgbench.nn.masked import build_decoder, draw_mask, hidden_error, picture
from ecgbench.nn.masking import PatchMask
from ecgbench.nn.towers import build_vit

FEATURES = ("pooled", "over-time")


class MAE(Method):
    """Hides most patches of each lead and learns to guess them from the visible ones.

    Only visible tokens go through the encoder; a light decoder, thrown away afterwards, guesses the
    hidden patches, each normalised to zero mean and unit variance.
    """

    def __init__(self, config: DictConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        if config.feature not in FEATURES:
            hint = did_you_mean(str(config.feature), FEATURES)
            raise ConfigError(f"model.feature cannot be {config.feature!r}.", hint)
        self.encoder = build_vit(config.vit, setup)
        self.decoder = build_decoder(config.decoder, setup, self.encoder, self.encoder.width)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Mean squared error of the hidden patches."""
        mask, guess = self._guess(batch.ecg)
        return {"loss": hidden_error(batch.ecg, guess, mask)}

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """What ``model.feature`` makes of the patch tokens: ``[B, L, T] -> [B, features]``."""
        tokens = self.encode_tokens(ecg)
        if self.config.feature == "pooled":
            return self.encoder.pool(tokens)
        return over_time(tokens, self.encoder.leads)

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """All patch tokens, lead by lead: ``[B, L, T] -> [B, L * N, width]``."""
        tokens: Tensor = self.encoder(ecg)
        return tokens

    def reconstruct(self, ecg: Tensor) -> Reconstruction:
        """A masked ECG and what is made of it."""
        mask, guess = self._guess(ecg)
        return picture(ecg, guess, mask)

    def _guess(self, ecg: Tensor) -> tuple[PatchMask, Tensor]:
        """A mask, and all patches guessed from what it shows."""
        patch = self.encoder.patch
        mask = draw_mask(self.config.mask, ecg, patch)
        tokens = self.encoder.forward_visible(ecg, mask.visible_index)
        return mask, self.decoder(tokens, mask.visible_index, ecg.shape[-1] // patch)


def over_time(tokens: Tensor, leads: int) -> Tensor:
    """Mean, standard deviation and maximum over the times of each lead, averaged over the leads.

    A premature beat fills a patch or two of a record: its mean over time hardly shows it, its maximum does.

    Args:
        tokens: ``[B, L * N, width]``, lead by lead.
        leads: L.

    Returns:
        ``[B, 3 * width]``.
    """
    grid = tokens.view(len(tokens), leads, -1, tokens.shape[-1])
    spread = grid.std(2, correction=0)
    return torch.cat([part.mean(1) for part in (grid.mean(2), spread, grid.amax(2))], dim=-1)
