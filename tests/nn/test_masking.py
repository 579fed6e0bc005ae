"""Mask laws: exact counts, rectangular indices, and no way round them through the limb leads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from ecgbench.nn.masking import (
    PatchMask,
    lead_mask,
    patch_mask,
    random_mask,
    spatiotemporal_mask,
)

LEADS = 12
FRACTIONS = [(0.0, 0.75), (0.5, 0.0), (0.5, 0.75), (0.5, 0.5), (0.25, 0.6), (1 / 12, 0.3)]


def visible(mask: PatchMask, patches: int) -> torch.Tensor:
    return ~mask.hidden.view(-1, LEADS, patches)


def check_indices(mask: PatchMask) -> None:
    batch, tokens = mask.hidden.shape
    shown = mask.visible_index.shape[1]
    assert mask.hidden.sum(dim=1).tolist() == [tokens - shown] * batch
    assert not mask.hidden.gather(1, mask.visible_index).any()
    assert (mask.visible_index.diff(dim=1) > 0).all()


@settings(max_examples=40, deadline=None)
@given(
    patches=st.integers(6, 40),
    fractions=st.sampled_from(FRACTIONS),
    seed=st.integers(0, 2**31 - 1),
)
def test_counts_are_exact_and_limb_leads_show_none_one_or_all(
    patches: int, fractions: tuple[float, float], seed: int
) -> None:
    torch.manual_seed(seed)
    leads, tokens = fractions
    try:
        mask = random_mask(
            16, LEADS, patches, lead_fraction=leads, patch_fraction=tokens, device="cpu"
        )
    except ValueError as refusal:  # so little hidden that limb leads would give each other away
        if "leak-free" not in str(refusal):
            raise
        reject()
    check_indices(mask)
    shown = visible(mask, patches)
    if leads and not tokens:
        assert (shown.sum((1, 2)) == (LEADS - round(leads * LEADS)) * patches).all()
    elif tokens and not leads:
        assert (shown.sum(2) == patches - round(tokens * patches)).all()
    else:
        assert (mask.hidden.sum(1) == round(tokens * LEADS * patches)).all()
        lit = shown.any(2)
        assert (lit.sum(1) <= LEADS - round(leads * LEADS)).all()
        spread = shown.sum(2)
        for sample, here in zip(spread, lit, strict=True):
            assert sample[here].max() - sample[here].min() <= 1
    assert set(shown[:, :6].sum(1).unique().tolist()) <= {0, 1, 6}


def test_lead_mask_hides_whole_leads_and_shows_every_choice() -> None:
    torch.manual_seed(0)
    shown = visible(lead_mask(300, LEADS, 5, 0.5, "cpu"), 5)
    assert (shown.all(2) == shown.any(2)).all()
    limb = shown[:, :6, 0].sum(1)
    assert set(limb.unique().tolist()) == {0, 1, 6}
    assert shown[:, :, 0].any(0).all(), "some lead is never shown"
    assert not shown[:, :, 0].all(0).any(), "some lead is never hidden"


def test_a_share_that_cannot_be_hidden_is_refused() -> None:
    with pytest.raises(ValueError, match="hides more than"):
        spatiotemporal_mask(2, LEADS, 10, 0.5, 0.3, "cpu")
    with pytest.raises(ValueError, match="limb"):
        lead_mask(2, 8, 10, 0.5, "cpu")
    with pytest.raises(ValueError, match="leak-free"):
        spatiotemporal_mask(2, LEADS, 4, 1 / 12, 0.13, "cpu")


@pytest.mark.parametrize("fractions", FRACTIONS)
def test_no_hidden_lead_can_be_worked_out_from_the_visible_ones(
    fractions: tuple[float, float],
) -> None:
    """Each hidden limb patch is fitted linearly by ALL visible patches of its time."""
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    patches, samples, batch = 12, 40, 24
    one, two = rng.standard_normal((2, batch, patches, samples))
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    chest = rng.standard_normal((6, batch, patches, samples))
    ecg = np.stack([*limb, *chest], axis=1)
    ecg /= ecg.std(axis=(2, 3), keepdims=True)  # z-scored leads are still dependent
    mask = random_mask(
        batch,
        LEADS,
        patches,
        lead_fraction=fractions[0],
        patch_fraction=fractions[1],
        device="cpu",
    )
    shown = visible(mask, patches).numpy()
    worst, fitted = 1.0, 0
    for record in range(batch):
        for time in range(patches):
            known = ecg[record, shown[record, :, time], time]
            for lead in np.flatnonzero(~shown[record, :, time]):
                truth = ecg[record, lead, time]
                residual = truth
                if len(known):
                    weights = np.linalg.lstsq(known.T, truth, rcond=None)[0]
                    residual = truth - known.T @ weights
                worst = min(worst, np.square(residual).sum() / np.square(truth).sum())
                fitted += 1
    assert fitted > 100
    assert worst > 1e-3, "a hidden lead follows from the visible ones"


def test_the_fit_does_succeed_where_two_limb_leads_are_visible() -> None:
    """The check above has teeth: an unguarded mask fails it."""
    rng = np.random.default_rng(0)
    one, two = rng.standard_normal((2, 40))
    known = np.stack([one, two])
    truth = two - one
    weights = np.linalg.lstsq(known.T, truth, rcond=None)[0]
    assert np.square(truth - known.T @ weights).sum() < 1e-20


def test_masks_differ_between_samples_and_follow_the_seed() -> None:
    torch.manual_seed(3)
    first = patch_mask(8, LEADS, 20, 0.75, "cpu").hidden
    assert len(first.unique(dim=0)) == 8
    torch.manual_seed(3)
    assert torch.equal(first, patch_mask(8, LEADS, 20, 0.75, "cpu").hidden)


def test_every_patch_is_equally_often_visible() -> None:
    torch.manual_seed(4)
    share = visible(patch_mask(4000, LEADS, 8, 0.75, "cpu"), 8).double().mean(0)
    assert (share - 0.25).abs().max() < 0.05


@pytest.mark.parametrize("fractions", FRACTIONS)
def test_masks_are_made_on_the_meta_device(fractions: tuple[float, float]) -> None:
    mask = random_mask(
        2, LEADS, 20, lead_fraction=fractions[0], patch_fraction=fractions[1], device="meta"
    )
    real = random_mask(
        2, LEADS, 20, lead_fraction=fractions[0], patch_fraction=fractions[1], device="cpu"
    )
    assert mask.hidden.device.type == "meta"
    assert mask.visible_index.shape == real.visible_index.shape
