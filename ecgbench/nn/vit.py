"""Vision transformers for ECGs, and the decoder of masked modelling.

:class:`EcgViT` has one token per (lead, time patch), like ST-MEM (Na et al., ICLR 2024);
:class:`ChannelViT` has one per time patch over all leads, like MERL's ViT-Tiny (Liu et al., ICML 2024).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ecgbench.nn.module import TensorModule
from ecgbench.nn.patching import patchify
from ecgbench.nn.transformer import Block, init_weights, sincos_positions

Pool = Literal["mean", "by-lead"]

LEAD_STD = 0.5
"""Initial SD of lead embeddings: that of the sin-cos time embeddings, so that both have the same weight."""


class EcgViT(TensorModule):
    """A 1-D ViT whose tokens are single patches of single leads.

    A token is the projection of its patch plus a learned lead embedding plus a fixed sin-cos time
    embedding. With ``separators`` each lead also has a token before its first patch and after its last
    patch. These tokens are always encoded and never returned.

    Args:
        leads: Leads, L.
        samples: Maximum samples per lead; shorter signals are allowed.
        patch: Samples per patch, P.
        width: Token width.
        depth: Blocks.
        heads: Attention heads.
        mlp_ratio: Inner width of a block's MLP over ``width``.
        dropout: In attention and after each residual branch.
        separators: Whether each lead has separator tokens at both ends.
        pool: Pooling of tokens into a feature vector: ``mean`` of all tokens, or ``by-lead``, the
            concatenated means over time of each lead, which keep the position of findings.
    """

    time_embedding: Tensor

    def __init__(
        self,
        *,
        leads: int,
        samples: int,
        patch: int,
        width: int,
        depth: int,
        heads: int,
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        separators: bool = True,
        pool: Pool = "mean",
    ) -> None:
        super().__init__()
        self.leads, self.patch, self.width, self.pooling = leads, patch, width, pool
        self.features = width if pool == "mean" else leads * width
        self.patches = samples // patch
        self.embed = nn.Linear(patch, width)
        self.lead_embedding = nn.Parameter(torch.empty(leads, width))
        self.separator = nn.Parameter(torch.empty(width)) if separators else None
        # Positions 1..N are patches; 0 and n + 1 are the separators of a signal of n patches.
        self.register_buffer("time_embedding", sincos_positions(self.patches + 2, width), False)
        self.blocks = nn.ModuleList(Block(width, heads, mlp_ratio, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.apply(init_weights)
        nn.init.normal_(self.lead_embedding, std=LEAD_STD)
        if self.separator is not None:
            nn.init.normal_(self.separator, std=0.02)

    def forward(self, ecg: Tensor) -> Tensor:
        """Encode everything: ``[B, L, T]`` to patch tokens ``[B, L * N, width]``, normed."""
        return self._encode(*self._embed(ecg))

    def forward_visible(self, ecg: Tensor, visible_index: Tensor) -> Tensor:
        """Encode only the visible tokens; hidden tokens are not embedded.

        Args:
            ecg: ``[B, L, T]``.
            visible_index: ``[B, V]``, tokens numbered ``lead * N + patch``.

        Returns:
            ``[B, V, width]``, normed.
        """
        return self._encode(*self._embed(ecg, visible_index))

    def pool(self, tokens: Tensor) -> Tensor:
        """Pool all patch tokens into one feature vector: ``[B, L * N, width]`` to ``[B, features]``."""
        if self.pooling == "mean":
            return tokens.mean(1)
        return tokens.view(len(tokens), self.leads, -1, self.width).mean(2).flatten(1)

    def hidden_states(self, ecg: Tensor) -> Tensor:
        """The patch tokens after each block, normed: ``[depth, B, L * N, width]``."""
        tokens, count = self._embed(ecg)
        states = []
        for block in self.blocks:
            tokens = block(tokens)
            states.append(self.norm(tokens[:, :count]))
        return torch.stack(states)

    def _encode(self, tokens: Tensor, count: int) -> Tensor:
        for block in self.blocks:
            tokens = block(tokens)
        out: Tensor = self.norm(tokens[:, :count])
        return out

    def _embed(self, ecg: Tensor, visible_index: Tensor | None = None) -> tuple[Tensor, int]:
        """Input tokens of the blocks (separators last), and the number of patches among them."""
        patches = patchify(ecg, self.patch)
        batch, leads, count, _ = patches.shape
        if leads != self.leads or not 0 < count <= self.patches:
            raise ValueError(
                f"Expected {self.leads} leads of 1 to {self.patches} patches of {self.patch} "
                f"samples, got {tuple(ecg.shape)}."
            )
        flat = patches.flatten(1, 2)
        place = token_positions(self.lead_embedding, self.time_embedding[1 : count + 1])
        if visible_index is None:
            tokens = self.embed(flat) + place
        else:
            tokens = self.embed(take(flat, visible_index)) + place[visible_index]
        shown = tokens.shape[1]
        if self.separator is not None:
            ends = self.time_embedding[0 : count + 2 : count + 1]
            frame = token_positions(self.lead_embedding, ends) + self.separator
            tokens = torch.cat([tokens, frame.expand(batch, -1, -1).to(tokens.dtype)], dim=1)
        return tokens, shown


class ChannelViT(TensorModule):
    """A ViT whose tokens are time patches over all leads; its feature is the normed mean token.

    Args:
        leads: Leads, which are the channels of a patch.
        samples: Maximum samples per lead.
        patch: Samples per patch.
        width: Token width (192 in ViT-Tiny).
        depth: Blocks (12).
        heads: Attention heads (3).
    """

    def __init__(
        self, *, leads: int, samples: int, patch: int, width: int, depth: int, heads: int
    ) -> None:
        super().__init__()
        self.patch, self.width = patch, width
        self.embed = nn.Linear(leads * patch, width)
        self.position = nn.Parameter(sincos_positions(samples // patch, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.apply(init_weights)

    def forward(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` to tokens ``[B, N, width]``, not normed."""
        tokens = self.embed(patchify(ecg, self.patch).transpose(1, 2).flatten(2))
        tokens = tokens + self.position[: tokens.shape[1]]
        for block in self.blocks:
            tokens = block(tokens)
        out: Tensor = tokens
        return out

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean over tokens, then LayerNorm: ``[B, N, width]`` to ``[B, width]``."""
        pooled: Tensor = self.norm(tokens.mean(1))
        return pooled


class MaskedDecoder(TensorModule):
    """Reconstructs every patch from the encoded visible tokens.

    Hidden positions get a learned mask token. All tokens get separate lead and time embeddings. Separators
    are not passed to the decoder because they contain no signal.

    Blocks alternate between attention across the leads of one time and across the times of one lead,
    where the information about a hidden patch is. With attention over all tokens at once, the decoder
    needed about 500 steps to find this information and learnt nothing else meanwhile (measured on
    ptbxl-mini), and each step was more expensive.

    Args:
        width_in: Width of the encoder's tokens.
        leads: Leads, L.
        patches: Maximum patches per lead, N.
        patch: Samples per patch, P.
        width: Width of the decoder.
        depth: Blocks, the first of them across leads.
        heads: Attention heads.
    """

    time_embedding: Tensor

    def __init__(
        self,
        *,
        width_in: int,
        leads: int,
        patches: int,
        patch: int,
        width: int = 256,
        depth: int = 4,
        heads: int = 4,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(width_in, width)
        self.mask_token = nn.Parameter(torch.empty(width))
        self.lead_embedding = nn.Parameter(torch.empty(leads, width))
        self.register_buffer("time_embedding", sincos_positions(patches, width), False)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, patch)
        self.apply(init_weights)
        nn.init.normal_(self.mask_token, std=0.02)
        nn.init.normal_(self.lead_embedding, std=LEAD_STD)

    def forward(self, tokens: Tensor, visible_index: Tensor, patches: int) -> Tensor:
        """Reconstruct all patches.

        Args:
            tokens: Encoded visible tokens ``[B, V, width_in]``.
            visible_index: Their positions ``[B, V]``.
            patches: Patches per lead of this signal.

        Returns:
            ``[B, L * patches, P]``.
        """
        place = token_positions(self.lead_embedding, self.time_embedding[:patches])
        shown = self.embed(tokens)
        index = visible_index[..., None].expand(-1, -1, shown.shape[-1])
        filled = self.mask_token.to(shown.dtype).expand(shown.shape[0], place.shape[0], -1)
        x = filled.scatter(1, index, shown) + place
        grid = x.view(len(x), -1, patches, x.shape[-1])
        for number, block in enumerate(self.blocks):
            grid = _across_leads(block, grid) if number % 2 == 0 else _across_times(block, grid)
        out: Tensor = self.head(self.norm(grid.flatten(1, 2)))
        return out


def _across_leads(block: nn.Module, grid: Tensor) -> Tensor:
    """Let the leads of each time attend to one another: ``[B, L, N, W]`` to the same shape."""
    return _across_times(block, grid.transpose(1, 2)).transpose(1, 2)


def _across_times(block: nn.Module, grid: Tensor) -> Tensor:
    """Let the times of each lead attend to one another: ``[B, L, N, W]`` to the same shape."""
    out: Tensor = block(grid.flatten(0, 1)).view(grid.shape)
    return out


def token_positions(lead_embedding: Tensor, time_embedding: Tensor) -> Tensor:
    """Sum lead ``[L, W]`` and time ``[N, W]`` embeddings to one per token: ``[L * N, W]``."""
    return (lead_embedding[:, None] + time_embedding[None]).flatten(0, 1)


def take(tokens: Tensor, index: Tensor) -> Tensor:
    """Pick tokens ``[B, N, W]`` by index ``[B, K]``: ``[B, K, W]``."""
    return tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[-1]))
