"""Losses and information bounds of the methods, as plain functions of tensors.

Contrastive losses normalise their rows. Their ``keys`` are integers that are equal for equal reports.
Equal reports are not negatives of each other, and such pairs are excluded. A row with a negative key
has no report and is ignored.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def masked_mse(prediction: Tensor, target: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error over the hidden patches (He et al. 2022).

    Args:
        prediction: ``[B, N, P]``.
        target: ``[B, N, P]``, usually normalised per patch.
        hidden: bool ``[B, N]``, True for hidden patches, which the loss includes.

    Returns:
        Scalar; 0 when nothing is hidden.
    """
    error = (full_precision(prediction) - target).square().mean(-1)
    return mean_where(error, hidden)


def masked_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of masked words, over positions whose label is not -100.

    Args:
        logits: ``[B, S, V]``.
        labels: int64 ``[B, S]``; -100 where a word was not masked.

    Returns:
        Scalar; 0 when no word is masked.
    """
    flat = full_precision(logits).flatten(0, 1)
    total = F.cross_entropy(flat, labels.flatten(), ignore_index=-100, reduction="sum")
    return total / (labels != -100).sum().clamp(min=1)


def info_nce(a: Tensor, b: Tensor, scale: Tensor | float, keys: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE: the mean of both cross-entropies of the cosine matrix (CLIP).

    Args:
        a: ``[N, D]``.
        b: ``[N, D]``; row i belongs to row i of ``a``.
        scale: One over the temperature.
        keys: int64 ``[N]`` of the reports; None if all differ.
    """
    logits = cosine_matrix(a, b) * scale
    target = torch.arange(len(logits), device=logits.device)
    if keys is None:
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    logits = logits.masked_fill(~comparable(keys), -torch.inf)
    loss = F.cross_entropy(logits, target, reduction="none")
    loss = (loss + F.cross_entropy(logits.T, target, reduction="none")) / 2
    return mean_where(loss, keys >= 0)


def siglip(
    a: Tensor, b: Tensor, scale: Tensor | float, bias: Tensor | float, keys: Tensor | None = None
) -> Tensor:
    """Pairwise sigmoid loss (Zhai et al. 2023, equation 1): summed over pairs, over N.

    Args:
        a: ``[N, D]``.
        b: ``[N, D]``; row i belongs to row i of ``a``.
        scale: Factor of the cosine; 10 initially.
        bias: Added to the scaled cosine; -10 initially, because nearly all pairs are negative.
        keys: int64 ``[N]`` of the reports; None if all differ.
    """
    logits = cosine_matrix(a, b) * scale + bias
    sign = 2 * torch.eye(len(logits), device=logits.device, dtype=logits.dtype) - 1
    loss = -F.logsigmoid(sign * logits)
    if keys is None:
        return loss.sum(1).mean()
    return mean_where((loss * comparable(keys)).sum(1), keys >= 0)


def merl_contrast(
    a: Tensor, b: Tensor, temperature: float = 0.07, keys: Tensor | None = None
) -> Tensor:
    """MERL's term: the SUM of both cross-entropies at a fixed temperature (Liu et al. 2024).

    Used between ECG and text (CMA) and between two views of an ECG (UMA). ``a``, ``b``: ``[N, D]``.
    """
    return 2 * info_nce(a, b, 1 / temperature, keys)


def orthogonality(a: Tensor, b: Tensor, rows: Tensor | None = None) -> Tensor:
    """Overlap of two representations (the difference loss of MISA).

    Both are centred over the batch, and their rows are normalised. The loss is the mean squared entry
    of ``A^T B``.

    Args:
        a: ``[N, D]``.
        b: ``[N, E]``.
        rows: bool ``[N]``, the rows to include; None for all.
    """
    count = torch.ones_like(a[:, :1]) if rows is None else rows[:, None].to(a.dtype)
    a, b = (_centred(full_precision(x), count) for x in (a, b))
    return (a.T @ b).square().mean()


def _centred(x: Tensor, count: Tensor) -> Tensor:
    """Centre and normalise the rows whose count ``[N, 1]`` is 1; the others become zeros."""
    mean = (x * count).sum(0) / count.sum().clamp(min=1)
    return F.normalize(x - mean, dim=1) * count


def reconstruction_bound(mse: Tensor, dimension: int) -> Tensor:
    """Information of the visible patches about a hidden patch, in nats per patch.

    Barber and Agakov: ``I(Z; X) >= H(X) + E log q(x | z)``. With a Gaussian q of the best
    variance, ``E log q = -P/2 log(2 pi e mse)``. H(X) is unknown but constant. The result is therefore
    relative to an uninformed prediction, a unit Gaussian q0 on normalised patches: ``-P/2 log(mse)``.
    It is only this gain and not a finite bound, because patches with a mean of exactly zero lie in a
    subspace, where H(X) is minus infinity.

    Args:
        mse: Mean squared error on normalised patches, scalar.
        dimension: Samples per patch, P.
    """
    return -dimension / 2 * torch.log(mse)


def contrastive_bound(a: Tensor, b: Tensor, scale: Tensor | float, keys: Tensor) -> Tensor:
    """InfoNCE bound ``I(Z; T) >= log N - L`` in nats; at most ``log N``.

    Equal reports are negatives here because the bound assumes independent pairs. Without them L would
    be too small, and the result would not be a bound.

    Args:
        a: ``[N, D]``.
        b: ``[N, D]``; row i belongs to row i of ``a``.
        scale: One over the temperature.
        keys: int64 ``[N]``; rows with a negative key have no report and are ignored.
    """
    rows = torch.arange(len(keys), device=keys.device)
    loss = info_nce(a, b, scale, torch.where(keys >= 0, rows, -1))
    return (keys >= 0).sum().clamp(min=1).log() - loss


def cosine_matrix(a: Tensor, b: Tensor) -> Tensor:
    """Cosines of all rows: ``[N, D]``, ``[M, D]`` to ``[N, M]``.

    Autocast computes the product in reduced precision. The cosines are then converted to float32 so that
    later operations are exact: in bfloat16 a cosine has an error of about 0.002, and a logit at scale 100
    of about 0.2.
    """
    return full_precision(F.normalize(a, dim=1) @ F.normalize(b, dim=1).T)


def comparable(keys: Tensor) -> Tensor:
    """Pairs of rows that a contrastive loss uses: ``[N]`` to bool ``[N, N]``.

    These are each row with itself, and rows with different reports.
    """
    pairs = (keys[:, None] != keys[None]) & (keys[:, None] >= 0) & (keys[None] >= 0)
    return pairs | torch.eye(len(keys), dtype=torch.bool, device=keys.device)


def mean_where(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of the values where ``chosen`` (bool, same shape) is True; 0 if it is never True."""
    return (values * chosen).sum() / chosen.sum().clamp(min=1)


def full_precision(x: Tensor) -> Tensor:
    """Convert half precision to float32; keep float32 and float64."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class LogitScale(nn.Module):
    """A learnable factor of cosines, positive by its logarithm and at most 100 (CLIP).

    Args:
        initial: 1 / 0.07 in CLIP, 10 in SigLIP.
    """

    def __init__(self, initial: float = 1 / 0.07) -> None:
        super().__init__()
        self.log = nn.Parameter(torch.tensor(math.log(initial)))

    def forward(self) -> Tensor:
        """The factor, a scalar."""
        return self.log.clamp(max=math.log(100)).exp()
