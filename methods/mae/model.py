"""Masked autoencoding of ECGs, one token per lead and time patch (after ST-MEM)."""

from __future__ import annotations

import torch
from omegaconf import DictConfig
from torch import Tensor

from ecgbench.method import Batch, Method, Reconstruction, Setup
from ecgbench.nn.losses import masked_mse
from ecgbench.nn.masking import PatchMask, random_mask
from ecgbench.nn.patching import normalize_patches, patchify, unpatchify
from ecgbench.nn.towers import build_vit
from ecgbench.nn.vit import MaskedDecoder


class MAE(Method):
    """Hides most patches of each lead and learns to guess them from the visible ones.

    Only visible tokens go through the encoder; a light decoder, thrown away afterwards, guesses the
    hidden patches, each normalised to zero mean and unit variance.
    """

    def __init__(self, config: DictConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.encoder = build_vit(config.vit, setup)
        self.decoder = MaskedDecoder(
            width_in=self.encoder.width,
            leads=len(setup.leads),
            patches=self.encoder.patches,
            patch=self.encoder.patch,
            width=config.decoder.width,
            depth=config.decoder.depth,
            heads=config.decoder.heads,
        )

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Mean squared error of the hidden patches."""
        mask = self._mask(batch.ecg)
        target = normalize_patches(patchify(batch.ecg, self.encoder.patch)).values.flatten(1, 2)
        return {"loss": masked_mse(self._guess(batch.ecg, mask), target, mask.hidden)}

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """Mean of all patch tokens: ``[B, L, T] -> [B, width]``."""
        return self.encode_tokens(ecg).mean(1)

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """All patch tokens, lead by lead: ``[B, L, T] -> [B, L * N, width]``."""
        tokens: Tensor = self.encoder(ecg)
        return tokens

    def reconstruct(self, ecg: Tensor) -> Reconstruction:
        """Guess a masked ECG; a hidden patch's mean and spread are those of the truth."""
        patch = self.encoder.patch
        patches = patchify(ecg, patch)
        mask = self._mask(ecg)
        shown = normalize_patches(patches)
        guess = self._guess(ecg, mask).unflatten(1, patches.shape[1:3]) * shown.std + shown.mean
        hidden = mask.hidden.view(patches.shape[:3])[..., None].expand_as(patches)
        output = torch.where(hidden, guess.to(patches.dtype), patches)
        return Reconstruction(unpatchify(patches), unpatchify(output), unpatchify(hidden))

    def _mask(self, ecg: Tensor) -> PatchMask:
        batch, leads, samples = ecg.shape
        return random_mask(
            batch,
            leads,
            samples // self.encoder.patch,
            lead_fraction=self.config.mask.leads,
            patch_fraction=self.config.mask.patches,
            device=ecg.device,
        )

    def _guess(self, ecg: Tensor, mask: PatchMask) -> Tensor:
        tokens = self.encoder.forward_visible(ecg, mask.visible_index)
        guess: Tensor = self.decoder(
            tokens, mask.visible_index, ecg.shape[-1] // self.encoder.patch
        )
        return guess
