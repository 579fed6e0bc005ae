"""A loss that is not finite is found, and named by its first batch."""

from __future__ import annotations

import pytest
import torch

from ecgbench.base.errors import EcgbenchError
from ecgbench.training.loss_watch import LossWatch


def test_finite_losses_pass() -> None:
    watch = LossWatch("Tiny", "pretrain")
    for step in range(5):
        watch.note(torch.tensor(1e30), step)
    watch.look()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_on_a_cpu_the_batch_itself_stops(value: float) -> None:
    watch = LossWatch("Tiny", "pretrain")
    watch.note(torch.tensor(1.0), 6)
    with pytest.raises(EcgbenchError, match=r"Tiny became NaN or infinite .* at batch 7\."):
        watch.note(torch.tensor(value), 7)


def test_elsewhere_the_first_bad_batch_is_named_at_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Elsewhere(torch.Tensor):
        """A scalar that says it lives on a GPU."""

        @property
        def device(self) -> torch.device:  # type: ignore[override]
            return torch.device("cuda")

    def loss(value: float) -> torch.Tensor:
        return torch.tensor(value).as_subclass(Elsewhere)

    watch = LossWatch("Tiny", "finetune")
    looks = []
    monkeypatch.setattr(watch, "look", lambda: looks.append(1))
    for step, value in enumerate([1.0, 2.0, float("nan"), 3.0, float("inf")], start=1):
        watch.note(loss(value), step)
    assert not looks, "a step waited for the device"
    monkeypatch.undo()
    with pytest.raises(EcgbenchError, match="section finetune, at batch 3"):
        watch.look()
