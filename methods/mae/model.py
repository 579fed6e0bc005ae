"""Masked autoencoding of ECGs, one token per lead and time patch (after ST-MEM)."""

from __future__ import annotations

from omegaconf import DictConfig
from torch import Tensor

from ecgbench.method import Batch, Method, Reconstruction, Setup
from ecgbench.nn.masked import build_decoder, draw_mask, hidden_error, picture
from ecgbench.nn.masking import PatchMask
from ecgbench.nn.towers import build_vit


class MAE(Method):
    """Hides most patches of each lead and learns to guess them from the visible ones.

    Only visible tokens go through the encoder; a light decoder, thrown away afterwards, guesses the
    hidden patches, each normalised to zero mean and unit variance.
    """

    def __init__(self, config: DictConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.encoder = build_vit(config.vit, setup)
        self.decoder = build_decoder(config.decoder, setup, self.encoder, self.encoder.width)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Mean squared error of the hidden patches."""
        mask, guess = self._guess(batch.ecg)
        return {"loss": hidden_error(batch.ecg, guess, mask)}

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The patch tokens, pooled as ``model.vit.pool`` says: ``[B, L, T] -> [B, features]``."""
        return self.encoder.pool(self.encode_tokens(ecg))

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
