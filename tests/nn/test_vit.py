"""The ViTs: what enters the blocks, what comes out, and that order and device do not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ecgbench.nn.masking import random_mask
from ecgbench.nn.transformer import sincos_positions
from ecgbench.nn.vit import ChannelViT, EcgViT, MaskedDecoder, take

BATCH, LEADS, SAMPLES, PATCH, WIDTH = 3, 12, 200, 20, 32
TOKENS = LEADS * (SAMPLES // PATCH)


def vit(**changes: Any) -> EcgViT:
    torch.manual_seed(0)
    shape = {"leads": LEADS, "samples": SAMPLES, "patch": PATCH}
    return EcgViT(**{**shape, "width": WIDTH, "depth": 2, "heads": 4, **changes}).eval()


def mask(device: str = "cpu", batch: int = BATCH) -> Any:
    return random_mask(
        batch, LEADS, SAMPLES // PATCH, lead_fraction=0.5, patch_fraction=0.75, device=device
    )


@pytest.mark.parametrize("separators", [True, False])
def test_only_visible_tokens_and_separators_enter_the_blocks(separators: bool) -> None:
    model = vit(separators=separators)
    entered: list[int] = []
    for block in model.blocks:
        block.register_forward_pre_hook(lambda _, args: entered.append(args[0].shape[1]))
    chosen = mask()
    out = model.forward_visible(torch.randn(BATCH, LEADS, SAMPLES), chosen.visible_index)
    assert out.shape == (BATCH, TOKENS // 4, WIDTH)
    assert entered == [TOKENS // 4 + 2 * LEADS * separators] * 2


def test_hidden_patches_cannot_reach_the_output() -> None:
    model, chosen = vit(), mask()
    ecg = torch.randn(BATCH, LEADS, SAMPLES)
    hidden = chosen.hidden.view(BATCH, LEADS, -1).repeat_interleave(PATCH, -1)
    changed = torch.where(hidden, ecg + 100, ecg)
    before, after = (model.forward_visible(x, chosen.visible_index) for x in (ecg, changed))
    assert torch.equal(before, after)
    changed = torch.where(hidden, ecg, ecg + 1)
    assert not torch.allclose(before, model.forward_visible(changed, chosen.visible_index))


def test_seeing_everything_is_the_full_encoding() -> None:
    model = vit()
    ecg = torch.randn(BATCH, LEADS, SAMPLES)
    everything = torch.arange(TOKENS).expand(BATCH, -1)
    torch.testing.assert_close(model.forward_visible(ecg, everything), model(ecg))
    order = torch.stack([torch.randperm(TOKENS) for _ in range(BATCH)])
    torch.testing.assert_close(
        model.forward_visible(ecg, order), take(model(ecg), order), atol=1e-5, rtol=1e-4
    )


def test_leads_and_times_are_told_apart() -> None:
    model = vit()
    ecg = torch.randn(1, LEADS, SAMPLES)
    pooled = model(ecg).mean(1)
    swapped = ecg[:, [1, 0, *range(2, LEADS)]]
    assert not torch.allclose(model(swapped).mean(1), pooled, atol=1e-4)
    assert not torch.allclose(model(ecg.roll(PATCH, -1)).mean(1), pooled, atol=1e-4)


def test_shorter_signals_are_encoded_and_longer_ones_refused() -> None:
    model = vit()
    assert model(torch.randn(2, LEADS, SAMPLES - 30)).shape == (2, LEADS * 8, WIDTH)
    with pytest.raises(ValueError, match="Expected 12 leads"):
        model(torch.randn(2, LEADS, SAMPLES + PATCH))
    with pytest.raises(ValueError, match="Expected 12 leads"):
        model(torch.randn(2, 8, SAMPLES))


def test_the_last_hidden_state_is_the_output() -> None:
    model = vit()
    ecg = torch.randn(2, LEADS, SAMPLES)
    states = model.hidden_states(ecg)
    assert states.shape == (2, 2, TOKENS, WIDTH)
    torch.testing.assert_close(states[-1], model(ecg))


def test_decoder_puts_tokens_where_they_were() -> None:
    torch.manual_seed(0)
    decoder = MaskedDecoder(
        width_in=WIDTH, leads=LEADS, patches=10, patch=PATCH, width=16, depth=0, heads=2
    )
    chosen = mask()
    tokens = torch.randn(BATCH, TOKENS // 4, WIDTH)
    out = decoder(tokens, chosen.visible_index, 10)
    assert out.shape == (BATCH, TOKENS, PATCH)
    # Without blocks, a hidden place's output depends on its place alone, a visible one's on its token.
    other = decoder(tokens + 1, chosen.visible_index, 10)
    same = (out == other).all(-1)
    assert torch.equal(same, chosen.hidden)
    shuffle = torch.randperm(TOKENS // 4)
    moved = decoder(tokens[:, shuffle], chosen.visible_index[:, shuffle], 10)
    torch.testing.assert_close(moved, out)


def test_every_parameter_learns_from_a_masked_step() -> None:
    model = vit().train()
    decoder = MaskedDecoder(width_in=WIDTH, leads=LEADS, patches=10, patch=PATCH, width=16, heads=2)
    chosen = mask()
    tokens = model.forward_visible(torch.randn(BATCH, LEADS, SAMPLES), chosen.visible_index)
    decoder(tokens, chosen.visible_index, 10).square().sum().backward()
    for module in (model, decoder):
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_sincos_positions_by_hand() -> None:
    table = sincos_positions(5, 6, longest=10_000)
    for position in range(5):
        for k in range(3):
            angle = position / 10_000 ** (k / 3)
            assert table[position, k].item() == pytest.approx(np.sin(angle), abs=1e-6)
            assert table[position, 3 + k].item() == pytest.approx(np.cos(angle), abs=1e-6)


def test_like_tokens_attend_to_each_other_before_anything_is_learnt() -> None:
    attention = vit().blocks[0].attention
    tokens = torch.nn.functional.layer_norm(torch.randn(1, 50, WIDTH), (WIDTH,))
    query, key, _ = attention.qkv(tokens).view(1, 50, 3, 4, WIDTH // 4).permute(2, 0, 3, 1, 4)
    logits = (query @ key.transpose(-1, -2)).mean(1)[0]
    assert (logits.argmax(1) == torch.arange(50)).all()


def test_channel_vit_shapes_and_pool() -> None:
    model = ChannelViT(leads=LEADS, samples=SAMPLES, patch=50, width=24, depth=2, heads=3)
    tokens = model(torch.randn(2, LEADS, SAMPLES))
    assert tokens.shape == (2, 4, 24)
    pooled = model.pool(tokens)
    torch.testing.assert_close(pooled.mean(1), torch.zeros(2), atol=1e-5, rtol=0)
    assert model(torch.randn(2, LEADS, 150)).shape == (2, 3, 24)


def test_everything_runs_on_the_meta_device() -> None:
    with torch.device("meta"):
        model = EcgViT(leads=LEADS, samples=SAMPLES, patch=PATCH, width=WIDTH, depth=1, heads=4)
        decoder = MaskedDecoder(width_in=WIDTH, leads=LEADS, patches=10, patch=PATCH, depth=1)
        channel = ChannelViT(leads=LEADS, samples=SAMPLES, patch=50, width=24, depth=1, heads=3)
    ecg = torch.empty(BATCH, LEADS, SAMPLES, device="meta")
    index = mask("meta").visible_index
    out: Tensor = decoder(model.forward_visible(ecg, index), index, 10)
    assert out.shape == (BATCH, TOKENS, PATCH)
    assert model(ecg).device.type == model.hidden_states(ecg).device.type == "meta"
    assert channel.pool(channel(ecg)).device.type == "meta"


def test_bfloat16_is_close_to_float32() -> None:
    model, chosen = vit(), mask()
    ecg = torch.randn(BATCH, LEADS, SAMPLES)
    exact = model(ecg), model.forward_visible(ecg, chosen.visible_index)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(ecg), model.forward_visible(ecg, chosen.visible_index)
    for a, b in zip(exact, rough, strict=True):
        assert (a - b.float()).abs().mean() < 0.02 * a.abs().mean()
