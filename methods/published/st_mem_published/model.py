"""ST-MEM's ViT-B (Na et al., ICLR 2024) with its published weights."""

from __future__ import annotations

from typing import ClassVar

import torch
from ecgbench.methods.published.st_mem_published.settings import STMEMSettings
from torch import Tensor, nn

from ecgbench.nn.patching import patchify
from ecgbench.nn.towers import Tower
from ecgbench.nn.transformer import Block
from ecgbench.plugins.published import preset_in
from ecgbench.published.encoder import PublishedEncoder
from ecgbench.published.weights import Names


class StMemNet(Tower):
    """A ViT over patches of single leads, each lead between two separators.

    Args:
        leads: Leads, L.
        samples: Samples of an input.
        patch: Samples of a patch.
        width: Token width.
        depth: Blocks.
        heads: Attention heads.
    """

    def __init__(
        self, *, leads: int, samples: int, patch: int, width: int, depth: int, heads: int
    ) -> None:
        super().__init__()
        self.patch = patch
        self.width = self.features = width
        self.embed = nn.Sequential(
            nn.LayerNorm(patch), nn.Linear(patch, width), nn.LayerNorm(width)
        )
        self.position = nn.Parameter(torch.randn(1, samples // patch + 2, width))
        self.separator = nn.Parameter(torch.randn(width))
        self.lead_embeddings = nn.ParameterList(torch.randn(width) for _ in range(leads))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` to patch tokens ``[B, L * N, width]``, not normed."""
        patches = self.embed(patchify(ecg, self.patch))
        batch, leads, count, width = patches.shape
        separator = self.separator.to(patches.dtype).expand(batch, leads, 1, width)
        framed = torch.cat([separator, patches, separator], dim=2)
        ends = [*range(count + 1), self.position.shape[1] - 1]
        place = self.position[0, ends] + torch.stack([*self.lead_embeddings])[:, None]
        tokens = (framed + place).flatten(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens.view(batch, leads, count + 2, width)[:, :, 1:-1].flatten(1, 2)

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean over all patch tokens, then LayerNorm."""
        pooled: Tensor = self.norm(tokens.mean(1))
        return pooled


class STMEM(PublishedEncoder):
    """The encoder without the decoder of pre-training."""

    preset = preset_in(__file__, "config.yaml")
    names: ClassVar[Names] = {
        r"^pos_embedding$": "position",
        r"^sep_embedding$": "separator",
        r"^to_patch_embedding\.1\.": "embed.0.",
        r"^to_patch_embedding\.2\.": "embed.1.",
        r"^to_patch_embedding\.3\.": "embed.2.",
        r"^block(\d+)\.": r"blocks.\1.",
        r"\.attn\.norm\.": ".attention_norm.",
        r"\.attn\.fn\.to_qkv\.": ".attention.qkv.",
        r"\.attn\.fn\.to_out\.0\.": ".attention.out.",
        r"\.ff\.norm\.": ".mlp_norm.",
        r"\.ff\.fn\.net\.0\.": ".mlp.0.",
        r"\.ff\.fn\.net\.3\.": ".mlp.2.",
    }

    def network(self, config: STMEMSettings, samples: int) -> Tower:
        """A ViT-B/75."""
        return StMemNet(
            leads=len(self.preset.leads),
            samples=samples,
            patch=config.network.patch,
            width=config.network.width,
            depth=config.network.depth,
            heads=config.network.heads,
        )
