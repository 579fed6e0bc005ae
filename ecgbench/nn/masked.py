"""Shared parts of masked ECG models: drawing a mask, the reconstruction error, and an example to plot."""

from __future__ import annotations

import torch
from torch import Tensor

from ecgbench.method import Reconstruction, Setup
from ecgbench.nn.losses import masked_mse
from ecgbench.nn.masking import PatchMask, random_mask
from ecgbench.nn.patching import normalize_patches, patchify, unpatchify
from ecgbench.nn.settings import Decoder, Mask
from ecgbench.nn.vit import EcgViT, MaskedDecoder


def build_decoder(config: Decoder, setup: Setup, encoder: EcgViT, width_in: int) -> MaskedDecoder:
    """A decoder of ``width``, ``depth`` and ``heads`` for an encoder's patches.

    Args:
        config: Its sizes.
        setup: Shape of the input.
        encoder: The encoder whose patches are reconstructed.
        width_in: Width of the tokens that the decoder reads.
    """
    return MaskedDecoder(
        width_in=width_in,
        leads=len(setup.leads),
        patches=encoder.patches,
        patch=encoder.patch,
        width=config.width,
        depth=config.depth,
        heads=config.heads,
    )


def draw_mask(config: Mask, ecg: Tensor, patch: int) -> PatchMask:
    """A mask for a batch ``[B, L, T]``.

    Args:
        config: How much is hidden.
        ecg: Defines shape and device.
        patch: Samples per patch.
    """
    batch, leads, samples = ecg.shape
    return random_mask(
        batch,
        leads,
        samples // patch,
        lead_fraction=config.leads,
        patch_fraction=config.patches,
        device=ecg.device,
    )


def guess_hidden(
    encoder: EcgViT, decoder: MaskedDecoder, config: Mask, ecg: Tensor
) -> tuple[PatchMask, Tensor]:
    """A mask for ``[B, L, T]``, and all patches ``[B, L * N, P]`` guessed from the visible ones."""
    mask = draw_mask(config, ecg, encoder.patch)
    tokens = encoder.forward_visible(ecg, mask.visible_index)
    return mask, decoder(tokens, mask.visible_index, ecg.shape[-1] // encoder.patch)


def hidden_error(ecg: Tensor, guess: Tensor, mask: PatchMask) -> Tensor:
    """Mean squared error of the hidden patches, each normalised to zero mean and unit variance.

    Args:
        ecg: ``[B, L, T]``.
        guess: ``[B, L * N, P]``, in normalised units.
        mask: The hidden patches.
    """
    target = normalize_patches(patchify(ecg, guess.shape[-1])).values.flatten(1, 2)
    return masked_mse(guess, target, mask.hidden)


def picture(ecg: Tensor, guess: Tensor, mask: PatchMask) -> Reconstruction:
    """The ECG, the ECG with reconstructed hidden patches, and their positions.

    A guess is in normalised units. The mean and spread of a hidden patch come from the true signal.

    Args:
        ecg: ``[B, L, T]``; samples after the last whole patch are excluded.
        guess: ``[B, L * N, P]``, in normalised units.
        mask: The hidden patches.
    """
    patches = patchify(ecg, guess.shape[-1])
    truth = normalize_patches(patches)
    guessed = guess.view(patches.shape) * truth.std + truth.mean
    hidden = mask.hidden.view(patches.shape[:3])[..., None].expand_as(patches)
    output = torch.where(hidden, guessed.to(patches.dtype), patches)
    return Reconstruction(unpatchify(patches), unpatchify(output), unpatchify(hidden))
