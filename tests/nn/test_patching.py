from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ecgbench.nn.patching import normalize_patches, patchify, unpatchify


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 5), st.integers(1, 7))
def test_patches_join_to_what_they_were_cut_from(b: int, leads: int, n: int, p: int) -> None:
    ecg = torch.arange(b * leads * n * p, dtype=torch.float32).view(b, leads, n * p)
    assert patchify(ecg, p).shape == (b, leads, n, p)
    assert torch.equal(unpatchify(patchify(ecg, p)), ecg)


def test_a_patch_is_consecutive_samples_of_one_lead_and_the_rest_is_dropped() -> None:
    ecg = torch.arange(2 * 11).view(1, 2, 11)
    patches = patchify(ecg, 5)
    assert patches.shape == (1, 2, 2, 5)
    assert patches[0, 1, 1].tolist() == [16, 17, 18, 19, 20]


def test_normalised_patches_have_no_mean_and_unit_variance_and_turn_back() -> None:
    patches = torch.randn(3, 12, 4, 50) * 3 + 2
    values, mean, std = normalize_patches(patches)
    torch.testing.assert_close(values.mean(-1), torch.zeros(3, 12, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(values.var(-1, unbiased=False), torch.ones(3, 12, 4))
    torch.testing.assert_close(values * std + mean, patches)


def test_a_flat_patch_becomes_zeros_not_nan() -> None:
    assert torch.equal(
        normalize_patches(torch.full((1, 1, 1, 9), 4.0)).values, torch.zeros(1, 1, 1, 9)
    )
