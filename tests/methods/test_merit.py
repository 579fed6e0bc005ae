"""MERIT: its two bounds, their weights, and the encoders and layers that they read."""

from __future__ import annotations

import pytest
import torch
from building import build_demo, one_step, taught, without_gradient

from ecgbench.authoring.laws import MethodUnderTest

CHOICES = [
    "model.weights.reconstruction=0.0",
    "model.weights.contrast=0.0",
    "model.separate_encoders=true",
    "model.layer_fusion=mean",
    "model.layer_fusion=gated",
]


@pytest.mark.parametrize("override", CHOICES)
def test_each_choice_is_one_override(override: str) -> None:
    method, out = one_step("merit", override)
    assert ("nats_signal" in out) == ("reconstruction=0.0" not in override)
    assert ("nats_text" in out) == ("contrast=0.0" not in override)
    if "weights" not in override:
        assert not without_gradient(method)


def test_the_loss_is_the_weighted_sum_of_its_terms() -> None:
    _, out = one_step("merit", "model.weights.reconstruction=2.0", "model.weights.contrast=3.0")
    wanted = 2 * out["reconstruction"].item() + 3 * out["contrast"].item()
    assert out["loss"].item() == pytest.approx(wanted, rel=1e-5)


def test_the_logged_bounds_obey_their_limits() -> None:
    _, out = one_step("merit", "model.layer_fusion=last")
    reported = 5  # of the six records
    assert out["nats_text"] <= torch.log(torch.tensor(float(reported))) + 1e-5
    assert out["nats_signal"] == pytest.approx(
        float(-MethodUnderTest("merit").make().encoder.patch / 2 * out["reconstruction"].log()),
        rel=1e-4,
    )


@pytest.mark.parametrize("fusion", ["last", "gated"])
def test_separate_encoders_learn_from_a_term_each(fusion: str) -> None:
    both = ["model.separate_encoders=true", f"model.layer_fusion={fusion}"]
    encoders = {"encoder", "text_side_encoder"}
    guessed, _ = one_step("merit", *both, "model.weights.contrast=0.0")
    assert taught(guessed) & encoders == {"encoder"}
    compared, _ = one_step("merit", *both, "model.weights.reconstruction=0.0")
    assert taught(compared) & encoders == {"text_side_encoder"}


def test_separate_encoders_stand_side_by_side_in_the_feature() -> None:
    method = build_demo("merit", "model.separate_encoders=true").eval()
    ecg = MethodUnderTest("merit").ecg(2)
    with torch.no_grad():
        halves = [m.pool(m(ecg)) for m in (method.encoder, method.text_side_encoder)]
        assert not torch.equal(*halves)
        torch.testing.assert_close(method.encode_ecg(ecg), torch.cat(halves, 1))


def test_layers_are_fused_as_the_configuration_says() -> None:
    """A gate that prefers no layer gives their mean, another one does not."""
    ecg = MethodUnderTest("merit").ecg(2)
    last, mean, gated = (
        build_demo("merit", f"model.layer_fusion={fusion}").eval()  # with the same encoder
        for fusion in ("last", "mean", "gated")
    )
    with torch.no_grad():
        layers = torch.stack([last.encoder.pool(x) for x in last.encoder.hidden_states(ecg)])
        torch.testing.assert_close(last.encode_ecg(ecg), layers[-1])
        torch.testing.assert_close(mean.encode_ecg(ecg), layers.mean(0))
        assert not torch.allclose(layers[-1], layers.mean(0), atol=1e-2)
        torch.nn.init.zeros_(gated.gate.weight)
        torch.testing.assert_close(gated.encode_ecg(ecg), layers.mean(0))
        torch.nn.init.normal_(gated.gate.weight)
        assert not torch.allclose(gated.encode_ecg(ecg), layers.mean(0), atol=1e-2)
