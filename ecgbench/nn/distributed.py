"""Gathering of batches over the processes of a distributed run, with gradient."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


class _Gather(torch.autograd.Function):
    """All-gather along the first axis. Its gradient is summed over processes and sliced.

    Every process computes the loss of the same gathered batch, so that after DDP's mean
    over processes the parameters have the gradient of one process with the whole batch.
    """

    @staticmethod
    def forward(ctx: object, local: Tensor) -> Tensor:
        parts = [torch.empty_like(local) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, local.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        summed = grad.contiguous().clone()
        dist.all_reduce(summed)
        size = summed.shape[0] // dist.get_world_size()
        return summed[dist.get_rank() * size : (dist.get_rank() + 1) * size]


def gather(local: Tensor) -> Tensor:
    """Join ``[B, ...]`` of all processes to ``[processes * B, ...]``; the identity for one process.

    Every process must have the same number of rows. The gradient of a row flows back to its process,
    so training also uses the negatives of other processes.
    """
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return local
    gathered: Tensor = _Gather.apply(local)  # type: ignore[no-untyped-call]
    return gathered
