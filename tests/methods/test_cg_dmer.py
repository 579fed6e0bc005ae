"""CG-DMER: its four loss terms, their inputs, and its settings."""

from __future__ import annotations

import math

import pytest
import torch
from building import build, build_demo, one_step, taught, without_gradient

from ecgbench.authoring.laws import MethodUnderTest
from ecgbench.config.effective import effective
from ecgbench.data.leads import LEADS
from ecgbench.method import Method
from ecgbench.plugins.catalogue import methods

# Each term of the loss, and the parts that it teaches.
TAUGHT = {
    "ecg": "encoder ecg_in shared ecg_specific decoder",
    "mlm": "text text_in shared text_specific words",
    "align": "encoder text ecg_in text_in shared scale bias",
    "orthogonality": "encoder text ecg_in text_in shared ecg_specific text_specific",
}


def test_the_loss_is_the_weighted_sum_of_its_terms() -> None:
    weights = {"ecg": 2.0, "mlm": 3.0, "align": 5.0, "orthogonality": 7.0}
    _, out = one_step("cg_dmer", *(f"model.weights.{key}={weights[key]}" for key in weights))
    assert set(out) == {"loss", *weights}
    wanted = sum(weights[term] * out[term].item() for term in weights)
    assert out["loss"].item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("term", TAUGHT)
def test_each_term_teaches_what_it_reads(term: str) -> None:
    """Both decoders read the shared and their own part; the alignment reads the shared ones alone."""
    method, _ = one_step(
        "cg_dmer", *(f"model.weights.{other}={float(other == term)}" for other in TAUGHT)
    )
    assert taught(method) == set(TAUGHT[term].split())


def orthogonality_without(*heads: str) -> float:
    """The term where the heads say nothing, so that no pair with one of them counts."""
    method = build_demo("cg_dmer").eval()
    for head in heads:
        for parameter in method.get_submodule(head).parameters():
            torch.nn.init.zeros_(parameter)
    torch.manual_seed(3)  # the same masks
    return float(method.losses(MethodUnderTest("cg_dmer").batch(method))["orthogonality"])


def test_all_three_pairs_are_kept_orthogonal() -> None:
    heads = ("shared", "ecg_specific", "text_specific")
    pairs = [orthogonality_without(head) for head in heads]
    assert min(pairs) > 0
    assert orthogonality_without() == pytest.approx(sum(pairs), rel=1e-5)


@pytest.mark.parametrize("fraction", [0.25, 0.6])
def test_words_are_masked_at_the_configured_rate(fraction: float) -> None:
    method = build_demo("cg_dmer", f"model.mask.words={fraction}").train()
    batch = MethodUnderTest("cg_dmer").batch(method)
    read: list[torch.Tensor] = []
    method.text.register_forward_pre_hook(lambda _, args: read.append(args[0]["input_ids"]))
    method.losses(batch)
    words = (~method.text.special(batch.tokens)).sum(1)
    masked = [(ids == method.text.tokenizer.mask_token_id).sum(1).tolist() for ids in read]
    hidden = [math.ceil(fraction * count) for count in words.tolist()]
    assert sorted(masked) == sorted([hidden, [0] * len(words)])  # once masked, once whole


ABLATIONS = {
    "no spatial mask": "model.mask.leads=0.0",
    "no temporal mask": "model.mask.patches=0.0",
    "no masked words": "model.weights.mlm=0.0",
    "no specific encoders": "model.specific=false",
    "no orthogonality": "model.weights.orthogonality=0.0",
    "InfoNCE alignment": "model.alignment=infonce",
}


@pytest.mark.parametrize("override", ABLATIONS.values(), ids=ABLATIONS)
def test_each_ablation_is_one_override(override: str) -> None:
    method, out = one_step("cg_dmer", override)
    assert not without_gradient(method)
    absent = {"weights.mlm": "mlm", "orthogonality": "orthogonality", "specific": "orthogonality"}
    for key, term in absent.items():
        if key in override:
            assert term not in out


def small(profile: str, *overrides: str) -> Method:
    return build("cg_dmer", profile, *overrides, reports=("normal ecg",))


def test_the_sigmoid_starts_at_the_prior_of_a_match() -> None:
    starts = {"demo": -3.5, "mini": -3.5}
    for profile, bias in starts.items():
        method = small(profile)
        assert method.bias.item() == pytest.approx(bias)
        assert method.scale().item() == pytest.approx(10, rel=1e-5)
        batch = effective(methods.get("cg_dmer"), profile).pretrain.batch_size
        assert bias == pytest.approx(-math.log(batch), abs=0.7)


@pytest.mark.parametrize("feature", ["pooled", "shared", "both"])
def test_the_probe_feature_is_a_choice(feature: str) -> None:
    method = small("demo", f"model.feature={feature}").eval()
    wide = {"pooled": method.encoder.features, "shared": 64, "both": 128}[feature]
    samples = method.setup.samples
    assert method.encode_ecg(torch.randn(2, len(LEADS), samples)).shape == (2, wide)
