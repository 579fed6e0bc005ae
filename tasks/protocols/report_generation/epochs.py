"""Training by epochs that keeps the best epoch, for a language model and for its adapters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ecgbench.base.errors import EcgbenchError
from ecgbench.base.progress import track
from ecgbench.training.optim import adamw, cosine_with_warmup

from .settings import TrainingSettings


class Summed(NamedTuple):
    """A loss summed over tokens, and the number of tokens."""

    total: Tensor
    tokens: int


Loss = Callable[[Sequence[int]], Summed]


@dataclass(frozen=True)
class Fitted:
    """The best epoch of a training.

    Attributes:
        epoch: Number of the best epoch, from 1.
        val_loss: Validation loss of the best epoch, in nats per token.
        train_loss: Mean training loss during the best epoch.
    """

    epoch: int
    val_loss: float
    train_loss: float


def fit_by_validation(
    module: nn.Module,
    train_loss: Loss,
    val_loss: Loss,
    lengths: Sequence[int],
    n_val: int,
    settings: TrainingSettings,
    seed: int,
    description: str,
) -> Fitted:
    """Train all parameters that need a gradient; leave the module in eval mode with its best epoch.

    Args:
        module: Module to train.
        train_loss: Gives the loss of training items, by their numbers, in train mode.
        val_loss: Gives the loss of validation items, by their numbers, in eval mode.
        lengths: Lengths of the training items. A batch holds items of similar length.
        n_val: Number of validation items.
        settings: The schedule.
        seed: Random seed of the order and the dropout.
        description: Text for the progress bar.

    Raises:
        EcgbenchError: The loss became NaN.
    """
    epochs, size = settings.epochs, settings.batch_size
    steps = epochs * -(-len(lengths) // size)
    schedule = SimpleNamespace(**{**dict(settings), "steps": steps, "min_lr": 0.0})
    optimiser = adamw(module, schedule)
    rate = torch.optim.lr_scheduler.LambdaLR(optimiser, cosine_with_warmup(schedule))
    trainable = {name: p for name, p in module.named_parameters() if p.requires_grad}
    best, kept = Fitted(0, float("inf"), float("inf")), {}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for epoch in track(range(1, epochs + 1), description):
            module.train()
            order = np.random.default_rng([seed, epoch])
            told = [
                _step(train_loss(rows), optimiser, rate, trainable.values(), settings.clip)
                for rows in batches_by_length(lengths, size, order)
            ]
            module.eval()
            with torch.no_grad():
                seen = [val_loss(range(n_val)[at : at + size]) for at in range(0, n_val, size)]
            loss = _mean(seen)
            if not np.isfinite(loss):
                raise EcgbenchError(f"{description}: the loss became {loss} in epoch {epoch}.")
            if loss < best.val_loss:
                best = Fitted(epoch, loss, _mean(told))
                kept = {name: copy.deepcopy(p.detach()) for name, p in trainable.items()}
            elif epoch - best.epoch >= settings.patience:
                break
    with torch.no_grad():
        for name, p in trainable.items():
            p.copy_(kept[name])
    return best


def batches_by_length(
    lengths: Sequence[int], size: int, rng: np.random.Generator
) -> list[list[int]]:
    """Batches of similar length in random order, because padding costs time."""
    order = rng.permutation(len(lengths))
    pool = 8 * size
    batches = []
    for at in range(0, len(order), pool):
        near = sorted(order[at : at + pool].tolist(), key=lambda item: lengths[item])
        batches += [near[start : start + size] for start in range(0, len(near), size)]
    return [batches[place] for place in rng.permutation(len(batches))]


def _step(loss: Summed, optimiser: Any, rate: Any, parameters: Any, clip: float) -> Summed:
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss.total / max(1, loss.tokens))
    nn.utils.clip_grad_norm_(parameters, clip)
    optimiser.step()
    rate.step()
    return Summed(loss.total.detach(), loss.tokens)


def _mean(parts: Sequence[Summed]) -> float:
    total = sum(float(part.total) for part in parts)
    return total / max(1, sum(part.tokens for part in parts))
