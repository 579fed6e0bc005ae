"""ECG-JEPA's ViT-B (Kim 2024) with its published weights."""

from __future__ import annotations

from typing import ClassVar

import torch
from ecgbench.methods.published.ecg_jepa.settings import ECGJEPASettings
from torch import Tensor, nn
from torch.nn import functional as F

from ecgbench.nn.patching import patchify
from ecgbench.nn.towers import Tower
from ecgbench.plugins.published import preset_in
from ecgbench.published.encoder import PublishedEncoder
from ecgbench.published.weights import Names


class CrossBlock(nn.Module):
    """A pre-norm transformer block whose tokens attend only where a mask lets them.

    Args:
        width: Token width.
        heads: Attention heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor, allowed: Tensor) -> Tensor:
        """``[B, N, width]`` and ``[N, N]`` bool to ``[B, N, width]``."""
        qkv = self.qkv(self.attention_norm(x)).unflatten(-1, (3, self.heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        out: Tensor = x + self.mlp(self.mlp_norm(x))
        return out


class JepaNet(Tower):
    """A ViT over patches of single leads, which attend along their lead and across leads at their time.

    Args:
        leads: Leads, L.
        samples: Samples of an input.
        patch: Samples of a patch.
        width: Token width.
        depth: Blocks.
        heads: Attention heads.
    """

    allowed: Tensor

    def __init__(
        self, *, leads: int, samples: int, patch: int, width: int, depth: int, heads: int
    ) -> None:
        super().__init__()
        self.patch = patch
        self.width = self.features = width
        count = samples // patch
        self.embed = nn.Linear(patch, width)
        self.position = nn.Parameter(torch.randn(leads * count, width))
        self.blocks = nn.ModuleList(CrossBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        lead = torch.arange(leads).repeat_interleave(count)
        time = torch.arange(count).repeat(leads)
        allowed = (lead[:, None] == lead) | (time[:, None] == time)
        self.register_buffer("allowed", allowed, persistent=False)

    def forward(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` to patch tokens ``[B, L * N, width]``, normed."""
        tokens = self.embed(patchify(ecg, self.patch).flatten(1, 2))
        for block in self.blocks:  # the positions are added before every block
            tokens = block(tokens + self.position, self.allowed)
        out: Tensor = self.norm(tokens)
        return out

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean over all patch tokens."""
        return tokens.mean(1)


class ECGJEPA(PublishedEncoder):
    """The context encoder; the predictor of pre-training is not used."""

    preset = preset_in(__file__, "config.yaml")
    names: ClassVar[Names] = {
        r"^pos_embed$": "position",
        r"^W_P\.": "embed.",
        r"^encoder_blocks\.": "",
        r"\.norm1\.": ".attention_norm.",
        r"\.norm2\.": ".mlp_norm.",
        r"\.attn\.qkv\.": ".qkv.",
        r"\.attn\.proj\.": ".out.",
        r"\.mlp\.fc1\.": ".mlp.0.",
        r"\.mlp\.fc2\.": ".mlp.2.",
    }

    def network(self, config: ECGJEPASettings, samples: int) -> Tower:
        """A ViT-B/50 over eight leads."""
        return JepaNet(
            leads=len(self.preset.leads),
            samples=samples,
            patch=config.network.patch,
            width=config.network.width,
            depth=config.network.depth,
            heads=config.network.heads,
        )
