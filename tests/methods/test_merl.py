"""MERL: the contrast of ECGs, in addition to the contrast with reports."""

from __future__ import annotations

import pytest
import torch
from building import build_demo, one_step, without_gradient

from ecgbench.authoring.laws import MethodUnderTest
from ecgbench.nn.losses import merl_contrast


@pytest.mark.parametrize("encoder", ["resnet18", "channel-vit"])
@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_the_loss_is_the_weighted_sum_of_its_terms(encoder: str, weight: float) -> None:
    method, out = one_step("merl", f"model.encoder={encoder}", f"model.uma={weight}")
    assert not without_gradient(method)
    wanted = out["cma"].item() + weight * out["uma"].item()
    assert out["loss"].item() == pytest.approx(wanted, rel=1e-5)


def test_the_ecg_only_term_compares_two_views_at_the_temperature() -> None:
    """All records are compared, whatever their reports."""
    method = build_demo("merl", "model.temperature=0.2", "model.mask_equal_reports=true").eval()
    views: list[torch.Tensor] = []
    for view in (method.first_view, method.second_view):
        view.register_forward_hook(lambda _, args, output: views.append(output))
    with torch.no_grad():
        out = method.losses(MethodUnderTest("merl").batch(method))
    torch.testing.assert_close(out["uma"], merl_contrast(views[0], views[1], 0.2))
