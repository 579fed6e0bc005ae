"""Gathering over two real processes gives the loss and the gradient of one with the whole batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

from ecgbench.nn.distributed import gather
from ecgbench.nn.losses import info_nce


def model_and_data() -> tuple[nn.Linear, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    layer = nn.Linear(5, 3).double()
    a, b = torch.randn(2, 8, 5, dtype=torch.float64)
    return layer, a, b, torch.tensor([0, 1, 2, 0, 3, 4, 1, 5])


def loss_of(layer: nn.Module, a: Tensor, b: Tensor, keys: Tensor) -> Tensor:
    return info_nce(gather(layer(a)), gather(layer(b)), 5.0, gather(keys))


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    layer, *data = model_and_data()
    wrapped = nn.parallel.DistributedDataParallel(layer)
    loss = loss_of(wrapped, *(part[4 * rank : 4 * rank + 4] for part in data))
    loss.backward()
    torch.save((loss.detach(), layer.weight.grad), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_one_process_gathers_nothing() -> None:
    x = torch.randn(3, 2)
    assert gather(x) is x


@pytest.mark.slow
def test_two_processes_learn_what_one_would(tmp_path: Path) -> None:
    mp.spawn(work, args=(str(tmp_path),), nprocs=2)
    layer, *data = model_and_data()
    loss = loss_of(layer, *data)
    loss.backward()
    for rank in range(2):
        there, gradient = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(there, loss.detach())
        torch.testing.assert_close(gradient, layer.weight.grad)
