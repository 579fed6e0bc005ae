"""The optimiser decays matrices alone, and the schedule is linear warm-up and half a cosine."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from ecgbench.training.optim import adamw, cosine_with_warmup

SETTINGS = SimpleNamespace(lr=0.1, weight_decay=0.5, min_lr=0.01, warmup=0.2, steps=10)


def test_weights_are_decayed_and_biases_norms_and_vectors_are_not() -> None:
    module = nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.Linear(3, 2), nn.LayerNorm(2))
    module.register_parameter("vector", nn.Parameter(torch.ones(4)))
    module.register_parameter("number", nn.Parameter(torch.ones(())))
    module[0].weight.requires_grad_(True)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    optimiser = adamw(module, SETTINGS)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)  # decay alone moves a parameter
    optimiser.step()
    for name, parameter in module.named_parameters():
        decayed = 1 - SETTINGS.lr * SETTINGS.weight_decay if parameter.ndim >= 2 else 1.0
        torch.testing.assert_close(parameter.detach(), decayed * before[name], msg=name)


def test_frozen_parameters_are_left_out_and_betas_are_taken() -> None:
    module = nn.Linear(3, 2)
    module.weight.requires_grad_(False)
    settings = SimpleNamespace(**vars(SETTINGS), betas=(0.5, 0.6))
    (group,) = adamw(module, settings).param_groups
    assert group["params"] == [module.bias]
    assert (group["lr"], group["betas"], group["weight_decay"]) == (0.1, (0.5, 0.6), 0.0)
    assert adamw(module, SETTINGS).param_groups[0]["betas"] == (0.9, 0.999)


@pytest.mark.parametrize(
    ("step", "factor"),
    [
        (0, 1 / 2), (1, 1.0), (2, 1.0), (6, 0.1 + 0.9 / 2), (10, 0.1), (99, 0.1),
        (4, 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi / 4))),
    ],
)  # fmt: skip
def test_the_rate_rises_over_the_warm_up_and_falls_to_its_floor(step: int, factor: float) -> None:
    assert cosine_with_warmup(SETTINGS)(step) == pytest.approx(factor)
