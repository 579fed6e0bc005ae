"""The optimiser and the learning-rate schedule of all methods."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def adamw(module: nn.Module, settings: Any, fused: bool = False) -> torch.optim.AdamW:
    """AdamW without weight decay for biases, norms and other vectors.

    Args:
        module: The parameters to train.
        settings: ``lr``, ``weight_decay`` and optionally ``betas``.
        fused: Update all parameters in one kernel; for GPUs, not with scaled 16-bit gradients.
    """
    trainable = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    betas = tuple(getattr(settings, "betas", (0.9, 0.999)))
    return torch.optim.AdamW(
        [g for g in groups if g["params"]], lr=settings.lr, betas=betas, fused=fused
    )


def cosine_with_warmup(settings: Any) -> Callable[[int], float]:
    """Factor of the learning rate per optimiser step: linear warm-up, then a half cosine."""
    total = int(settings.steps)
    warm = max(1, round(float(settings.warmup) * total))
    floor: float = float(settings.min_lr) / float(settings.lr)

    def factor(step: int) -> float:
        if step < warm:
            return float(step + 1) / warm
        done = min(1.0, (step - warm) / max(1, total - warm))
        return floor + (1 - floor) * 0.5 * (1.0 + math.cos(math.pi * done))

    return factor
