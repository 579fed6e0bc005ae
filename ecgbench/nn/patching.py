"""An ECG as patches: ``[B, L, T]`` to ``[B, L, N, P]`` and back, and per-patch normalisation."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class NormalizedPatches(NamedTuple):
    """Patches with zero mean and unit variance, with the values to undo the normalisation.

    Attributes:
        values: ``[..., P]``.
        mean: ``[..., 1]``, in the input's unit.
        std: ``[..., 1]``, in the input's unit.
    """

    values: Tensor
    mean: Tensor
    std: Tensor


def patchify(ecg: Tensor, patch: int) -> Tensor:
    """Cut each lead into patches; samples after the last whole patch are dropped.

    Args:
        ecg: ``[B, L, T]``.
        patch: Samples per patch, P.

    Returns:
        ``[B, L, T // P, P]``.
    """
    batch, leads, samples = ecg.shape
    count = samples // patch
    return ecg[..., : count * patch].reshape(batch, leads, count, patch)


def unpatchify(patches: Tensor) -> Tensor:
    """Join patches ``[B, L, N, P]`` to an ECG ``[B, L, N * P]``."""
    return patches.flatten(-2)


def normalize_patches(patches: Tensor, eps: float = 1e-6) -> NormalizedPatches:
    """Normalise every patch to zero mean and unit variance, as the target of masked modelling.

    Args:
        patches: ``[..., P]``.
        eps: Added to the variance, in squared units of the input; a flat patch becomes zeros.
    """
    mean = patches.mean(-1, keepdim=True)
    variance = patches.var(-1, unbiased=False, keepdim=True)
    std = torch.sqrt(variance + eps)
    return NormalizedPatches((patches - mean) / std, mean, std)
