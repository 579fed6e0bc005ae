from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from ecgbench.nn.resnet import AttentionPool, BasicBlock, ResNet1d, XBlock, XResNet1d, concat_pool


def test_resnet18_has_stride_16_and_merls_map() -> None:
    model = ResNet1d()
    assert model(torch.randn(1, 12, 5000)).shape == (1, 512, 313)
    assert ResNet1d(max_pool=True)(torch.randn(1, 12, 5000)).shape == (1, 512, 157)
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv1d) and m.kernel_size[0] > 1]
    assert len(convolutions) == 17  # and the linear layer that a head brings makes 18


def test_xresnet101_has_a_hundred_layers_and_concat_pools() -> None:
    model = XResNet1d()
    body = [m for name, m in model.named_modules() if isinstance(m, nn.Conv1d) and "body" in name]
    assert len(body) == 3 * (3 + 4 + 23 + 3) == 99
    features = model(torch.randn(2, 12, 1000))
    assert features.shape == (2, 256, 32)
    pooled = concat_pool(features)
    assert torch.equal(pooled[:, :256], features.mean(-1))
    assert torch.equal(pooled[:, 256:], features.amax(-1))


def test_an_xblock_starts_as_its_shortcut() -> None:
    block = XBlock(16, 4, 1, 5).eval()
    x = torch.randn(2, 16, 30)
    assert torch.equal(block(x), x.relu())


@pytest.mark.parametrize("length", [31, 32])
@pytest.mark.parametrize("block", [BasicBlock(8, 16, 2), XBlock(8, 4, 2, 5)])
def test_strided_blocks_halve_any_length(block: nn.Module, length: int) -> None:
    assert block(torch.randn(2, 8, length)).shape == (2, 16, 16)


def test_attention_pool_is_torchs_attention_from_a_token() -> None:
    torch.manual_seed(0)
    pool = AttentionPool(length=10, width=8, heads=2, out=5)
    reference = nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        weights = [pool.query, pool.key, pool.value]
        reference.in_proj_weight.copy_(torch.cat([layer.weight for layer in weights]))
        reference.in_proj_bias.copy_(torch.cat([layer.bias for layer in weights]))
        reference.out_proj.weight.copy_(torch.eye(8))
        reference.out_proj.bias.zero_()
    sequence = torch.randn(3, 8, 10)
    x = sequence.transpose(1, 2)
    x = torch.cat([pool.token.expand(3, 1, -1), x + pool.position], dim=1)
    expected = pool.out(reference(x[:, :1], x, x)[0][:, 0])
    torch.testing.assert_close(pool(sequence), expected)
    assert pool(torch.randn(3, 8, 7)).shape == (3, 5)


MODELS: list[Any] = [
    lambda: ResNet1d(widths=(8, 16, 16, 32)),
    lambda: XResNet1d(widths=(8, 8, 8, 8), blocks=(1, 1, 2, 1), stem=(8, 8, 16)),
]


@pytest.mark.parametrize("make", MODELS)
def test_meta_device_bfloat16_and_gradients(make: Any) -> None:
    torch.manual_seed(0)
    with torch.device("meta"):
        assert make()(torch.empty(2, 12, 200)).device.type == "meta"
    model = make()
    ecg = torch.randn(4, 12, 200)
    model(ecg).square().sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.eval()
    exact = model(ecg)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(ecg)
    assert (exact - rough.float()).abs().mean() < 0.02 * exact.abs().mean() + 1e-4
    torch.testing.assert_close(model(ecg[:1]), exact[:1], atol=1e-5, rtol=1e-4)
