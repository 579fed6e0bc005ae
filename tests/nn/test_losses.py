"""Losses against hand calculations in NumPy, their gradients and their invariances."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ecgbench.nn import losses

Pair = tuple[Tensor, Tensor]
seeds = st.integers(0, 2**31 - 1)
CONTRASTS: dict[str, Callable[..., Tensor]] = {
    "info_nce": lambda a, b, keys=None: losses.info_nce(a, b, 5.0, keys),
    "siglip": lambda a, b, keys=None: losses.siglip(a, b, 5.0, -2.0, keys),
    "merl": lambda a, b, keys=None: losses.merl_contrast(a, b, 0.2, keys),
}


def pair(seed: int = 0, rows: int = 6, width: int = 4) -> Pair:
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, rows, width, generator=generator, dtype=torch.float64)
    return a, b


def cosines(a: Tensor, b: Tensor) -> np.ndarray:
    x, y = a.numpy(), b.numpy()
    return (x / np.linalg.norm(x, axis=1)[:, None]) @ (y / np.linalg.norm(y, axis=1)[:, None]).T


def cross_entropy_of_diagonal(logits: np.ndarray) -> float:
    rows = [np.log(np.exp(row).sum()) - row[i] for i, row in enumerate(logits)]
    return float(np.mean(rows))


def test_masked_mse_is_the_mean_over_hidden_patches() -> None:
    prediction = torch.tensor([[[1.0, 2.0], [0.0, 0.0]], [[5.0, 5.0], [1.0, -1.0]]])
    target = torch.tensor([[[0.0, 0.0], [9.0, 9.0]], [[5.0, 8.0], [1.0, 1.0]]])
    hidden = torch.tensor([[True, False], [True, True]])
    expected = np.mean([(1 + 4) / 2, (0 + 9) / 2, (0 + 4) / 2])
    assert losses.masked_mse(prediction, target, hidden).item() == pytest.approx(expected)
    assert losses.masked_mse(prediction, target, torch.zeros_like(hidden)).item() == 0


def test_masked_cross_entropy_looks_at_masked_words_only() -> None:
    logits = torch.tensor([[[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]], [[1.0, 1.0, 1.0], [9.0, 0.0, 0.0]]])
    labels = torch.tensor([[0, -100], [2, -100]])
    first = np.log(np.exp([2.0, 0.0, 1.0]).sum()) - 2.0
    expected = np.mean([first, np.log(3)])
    assert losses.masked_cross_entropy(logits, labels).item() == pytest.approx(expected)
    nothing = torch.full_like(labels, -100)
    assert losses.masked_cross_entropy(logits, nothing).item() == 0


def test_info_nce_by_hand() -> None:
    a, b = pair()
    logits = 5.0 * cosines(a, b)
    expected = (cross_entropy_of_diagonal(logits) + cross_entropy_of_diagonal(logits.T)) / 2
    assert losses.info_nce(a, b, 5.0).item() == pytest.approx(expected)
    assert losses.merl_contrast(a, b, 1 / 5).item() == pytest.approx(2 * expected)


def test_siglip_by_hand() -> None:
    a, b = pair()
    logits = 10.0 * cosines(a, b) - 10.0
    sign = 2 * np.eye(len(a)) - 1
    expected = np.log1p(np.exp(-sign * logits)).sum() / len(a)
    assert losses.siglip(a, b, 10.0, -10.0).item() == pytest.approx(expected)


def test_equal_reports_are_no_negatives_by_hand() -> None:
    a, b = pair(rows=3)
    keys = torch.tensor([7, 8, 7])
    logits = 5.0 * cosines(a, b)
    seen = [[0, 1], [0, 1, 2], [1, 2]]
    rows = [np.log(np.exp(logits[i, seen[i]]).sum()) - logits[i, i] for i in range(3)]
    columns = [np.log(np.exp(logits[seen[i], i]).sum()) - logits[i, i] for i in range(3)]
    expected = np.mean([*rows, *columns])
    assert losses.info_nce(a, b, 5.0, keys).item() == pytest.approx(expected)


def test_orthogonality_by_hand() -> None:
    a, b = pair(width=3)

    def prepared(x: np.ndarray) -> np.ndarray:
        x = x - x.mean(0)
        return x / np.linalg.norm(x, axis=1)[:, None]

    product = prepared(a.numpy()).T @ prepared(b.numpy())
    expected = sum(entry**2 for entry in product.ravel()) / product.size
    assert losses.orthogonality(a, b).item() == pytest.approx(expected)


def test_orthogonality_leaves_out_rows_that_do_not_count() -> None:
    a, b = pair()
    rows = torch.tensor([True, True, False, True, True, False])
    expected = losses.orthogonality(a[rows], b[rows])
    torch.testing.assert_close(losses.orthogonality(a, b, rows), expected)


def test_orthogonality_is_zero_of_uncorrelated_and_not_of_equal() -> None:
    a = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    b = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]])
    assert losses.orthogonality(a, b).item() == pytest.approx(0, abs=1e-12)
    assert losses.orthogonality(a, a).item() > 1


def test_reconstruction_bound_is_the_gaussian_log_likelihood_ratio() -> None:
    mse, size = 0.3, 25
    best = -size / 2 * np.log(2 * np.pi * np.e * mse)
    blind = -size / 2 * np.log(2 * np.pi * np.e)
    bound = losses.reconstruction_bound(torch.tensor(mse), size).item()
    assert bound == pytest.approx(best - blind, rel=1e-5)
    assert losses.reconstruction_bound(torch.tensor(1.0), size).item() == 0


def test_contrastive_bound_saturates_at_log_n() -> None:
    vectors = torch.eye(8)
    keys = torch.arange(8)
    bound = losses.contrastive_bound(vectors, vectors, 100.0, keys).item()
    assert bound == pytest.approx(np.log(8), rel=1e-5)
    with_gaps = torch.where(keys < 4, keys, -1)
    bound = losses.contrastive_bound(vectors, vectors, 100.0, with_gaps).item()
    assert bound == pytest.approx(np.log(4), rel=1e-5)
    # All reports equal: nothing is shared, and the bound must not claim otherwise.
    same = torch.ones(8, 8)
    bound = losses.contrastive_bound(torch.randn(8, 8), same, 1.0, torch.zeros(8).long()).item()
    assert bound <= 0


@pytest.mark.parametrize("name", [*CONTRASTS, "orthogonality"])
def test_gradients_of_pairs(name: str) -> None:
    a, b = (x.requires_grad_() for x in pair(rows=4, width=3))
    keys = torch.tensor([0, 1, 0, -1])
    if name == "orthogonality":
        assert torch.autograd.gradcheck(losses.orthogonality, (a, b))
        return
    loss = CONTRASTS[name]
    assert torch.autograd.gradcheck(lambda x, y: loss(x, y), (a, b))
    assert torch.autograd.gradcheck(lambda x, y: loss(x, y, keys), (a, b))


def test_gradients_of_masked_losses() -> None:
    prediction = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    target = torch.randn(2, 3, 4, dtype=torch.float64)
    hidden = torch.tensor([[True, False, True], [False, True, False]])
    assert torch.autograd.gradcheck(lambda x: losses.masked_mse(x, target, hidden), (prediction,))
    labels = torch.tensor([[1, -100, 3], [-100, 0, -100]])
    assert torch.autograd.gradcheck(lambda x: losses.masked_cross_entropy(x, labels), (prediction,))
    mse = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: losses.reconstruction_bound(x, 5), (mse,))


@pytest.mark.parametrize("name", CONTRASTS)
@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_contrast_is_blind_to_order_scale_and_side(name: str, seed: int) -> None:
    a, b = pair(seed)
    keys = torch.randint(-1, 4, (len(a),), generator=torch.Generator().manual_seed(seed))
    order = torch.randperm(len(a), generator=torch.Generator().manual_seed(seed + 1))
    loss = CONTRASTS[name]
    value = loss(a, b, keys)
    torch.testing.assert_close(loss(a[order], b[order], keys[order]), value)
    torch.testing.assert_close(loss(3.7 * a, 0.2 * b, keys), value)
    torch.testing.assert_close(loss(b, a, keys), value)


@pytest.mark.parametrize("name", CONTRASTS)
@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_rows_without_a_report_change_nothing(name: str, seed: int) -> None:
    a, b = pair(seed)
    keys = torch.tensor([0, 1, 2, 3, -1, -1])
    changed = b.clone()
    changed[4:] += 10
    loss = CONTRASTS[name]
    torch.testing.assert_close(loss(a, changed, keys), loss(a[:4], b[:4]))


@pytest.mark.parametrize("name", CONTRASTS)
def test_a_masked_negative_gets_no_gradient(name: str) -> None:
    a, b = (x.requires_grad_() for x in pair(rows=3))
    weight = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    # The matrix of cosines is shifted by `weight`, whose gradient says which pairs are looked at.
    original = losses.cosine_matrix
    try:
        losses.cosine_matrix = lambda x, y: original(x, y) + weight  # type: ignore[assignment]
        CONTRASTS[name](a, b, torch.tensor([5, 6, 5])).backward()
    finally:
        losses.cosine_matrix = original
    assert weight.grad is not None
    looked_at = weight.grad != 0
    expected = torch.tensor([[1, 1, 0], [1, 1, 1], [0, 1, 1]], dtype=torch.bool)
    assert torch.equal(looked_at, expected)


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_orthogonality_is_blind_to_order_shift_and_scale(seed: int) -> None:
    a, b = pair(seed)
    order = torch.randperm(len(a), generator=torch.Generator().manual_seed(seed))
    value = losses.orthogonality(a, b)
    torch.testing.assert_close(losses.orthogonality(a[order], b[order]), value)
    torch.testing.assert_close(losses.orthogonality(2.5 * a + 4, b - 1), value)


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_masked_mse_is_blind_to_visible_patches(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    prediction, target = torch.randn(2, 3, 5, 4, generator=generator)
    hidden = torch.rand(3, 5, generator=generator) < 0.6
    value = losses.masked_mse(prediction, target, hidden)
    changed = torch.where(hidden[..., None], prediction, prediction + 9)
    torch.testing.assert_close(losses.masked_mse(changed, target, hidden), value)


def test_losses_run_on_the_meta_device() -> None:
    a, b = torch.randn(2, 6, 4, device="meta")
    keys = torch.empty(6, dtype=torch.int64, device="meta")
    for loss in CONTRASTS.values():
        assert loss(a, b, keys).device.type == "meta"
    assert losses.contrastive_bound(a, b, 5.0, keys).device.type == "meta"
    assert losses.orthogonality(a, b).device.type == "meta"
    patches = torch.empty(2, 3, 4, device="meta")
    hidden = torch.empty(2, 3, dtype=torch.bool, device="meta")
    assert losses.masked_mse(patches, patches, hidden).device.type == "meta"
    labels = torch.empty(2, 3, dtype=torch.int64, device="meta")
    assert losses.masked_cross_entropy(patches, labels).device.type == "meta"


def test_half_precision_input_gives_full_precision_losses() -> None:
    a, b = (x.to(torch.bfloat16) for x in pair(rows=16, width=32))
    with torch.autocast("cpu", torch.bfloat16):
        for loss in CONTRASTS.values():
            value = loss(a, b)
            assert value.dtype == torch.float32
            torch.testing.assert_close(value, loss(a.float(), b.float()), rtol=0.03, atol=0.03)


def test_logit_scale_starts_where_told_and_stays_below_100() -> None:
    scale = losses.LogitScale(1 / 0.07)
    assert scale().item() == pytest.approx(1 / 0.07, rel=1e-5)
    torch.nn.init.constant_(scale.log, 50.0)
    assert scale().item() == pytest.approx(100, rel=1e-5)
