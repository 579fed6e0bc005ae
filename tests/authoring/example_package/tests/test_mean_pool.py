"""Conformance tests of mean_pool; run pytest, or `ecgbench check mean_pool`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgbench.authoring.laws import MethodLaws
from ecgbench.base.errors import UnknownNameError
from ecgbench.plugins.catalogue import methods

try:
    methods.get("mean_pool")
except UnknownNameError:  # not installed: use the folder of this file
    methods.add_path(Path(__file__).parent.parent / "src" / "mean_pool")


class TestMeanPool(MethodLaws):
    method = "mean_pool"


def test_its_loss_falls() -> None:
    import torch

    from ecgbench.authoring.laws import MethodUnderTest

    subject = MethodUnderTest("mean_pool")
    method = subject.make().train()
    batch = subject.batch(method)
    optimiser = torch.optim.Adam(method.parameters(), 3e-3)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = method.losses(batch)["loss"]
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
    assert losses[-1] < 0.9 * losses[0]
    assert losses[-1] == pytest.approx(min(losses), rel=0.5)
