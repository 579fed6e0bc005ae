"""The wav2vec 2.0 tower for ECGs, as fairseq-signals trains it: ECG-FM, D-BETA and MELP share it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import Wav2Vec2Config
from transformers.models.wav2vec2.modeling_wav2vec2 import (
    Wav2Vec2Encoder,
    Wav2Vec2FeatureEncoder,
    Wav2Vec2FeatureProjection,
)

from ecgbench.nn.towers import Tower

LAYERS = 4  # of the convolutional stem, each of which halves the rate

WAVE_NAMES = {
    r"(^|\.)feature_extractor\.conv_layers\.(\d)\.0\.": r"\1stem.conv_layers.\2.conv.",
    r"(^|\.)feature_extractor\.conv_layers\.0\.2\.": r"\1stem.conv_layers.0.layer_norm.",
    r"(^|\.)post_extract_proj\.": r"\1projection.projection.",
    r"(^|\.)conv_pos\.pos_conv\.0\.": r"\1encoder.pos_conv_embed.conv.",
    r"\.weight_g$": ".parametrizations.weight.original0",  # as torch wrote a weight norm before 2.0
    r"\.weight_v$": ".parametrizations.weight.original1",
    r"(^|ecg_encoder\.)layer_norm\.": r"\1projection.layer_norm.",
    r"\.self_attn\.": ".attention.",
    r"\.self_attn_layer_norm\.": ".layer_norm.",
    r"\.fc1\.": ".feed_forward.intermediate_dense.",
    r"\.fc2\.": ".feed_forward.output_dense.",
}
"""From the names of fairseq-signals to those of :class:`WaveTower`, in the order of their application."""


class WaveTower(Tower):
    """Convolutions over all leads, a convolutional position embedding, post-norm transformer layers.

    Args:
        leads: Input channels.
        channels: Channels of the convolutional stem.
        width: Token width.
        depth: Transformer layers.
        heads: Attention heads.
    """

    def __init__(self, *, leads: int, channels: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.width = self.features = width
        config = Wav2Vec2Config(
            hidden_size=width,
            num_hidden_layers=depth,
            num_attention_heads=heads,
            intermediate_size=4 * width,
            conv_dim=(channels,) * LAYERS,
            conv_kernel=(2,) * LAYERS,
            conv_stride=(2,) * LAYERS,
            conv_bias=False,
            feat_extract_norm="group",
            num_conv_pos_embeddings=128,
            num_conv_pos_embedding_groups=16,
            activation_dropout=0.0,
            layerdrop=0.0,
            attn_implementation="sdpa",
        )
        self.stem = Wav2Vec2FeatureEncoder(config)
        self.stem.conv_layers[0].conv = nn.Conv1d(leads, channels, 2, 2, bias=False)
        self.projection = Wav2Vec2FeatureProjection(config)
        self.encoder = Wav2Vec2Encoder(config)

    def forward(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` to tokens ``[B, T // 16, width]``."""
        return self.transform(self.embed(ecg))

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean over time."""
        return tokens.mean(1)

    def embed(self, ecg: Tensor) -> Tensor:
        """Tokens with their positions, before the transformer: ``[B, L, T]`` to ``[B, N, width]``."""
        x = ecg
        for layer in self.stem.conv_layers:
            x = layer(x)
        tokens: Tensor = self.projection(x.transpose(1, 2))[0]
        placed: Tensor = tokens + self.encoder.pos_conv_embed(tokens)
        return placed

    def transform(self, tokens: Tensor) -> Tensor:
        """Tokens after all transformer layers: ``[B, N, width]`` to the same shape."""
        x: Tensor = self.encoder.dropout(self.encoder.layer_norm(tokens))
        for layer in self.encoder.layers:
            out = layer(x)
            x = out[0] if isinstance(out, tuple) else out  # a tuple in transformers 4
        return x


class FirstTokenWaves(WaveTower):
    """The tower with a learned first token, from which D-BETA reads its feature.

    Args:
        leads: Input channels.
        channels: Channels of the convolutional stem.
        width: Token width.
        depth: Transformer layers.
        heads: Attention heads.
    """

    def __init__(self, *, leads: int, channels: int, width: int, depth: int, heads: int) -> None:
        super().__init__(leads=leads, channels=channels, width=width, depth=depth, heads=heads)
        self.first = nn.Parameter(torch.rand(width))
        self.out = nn.Linear(width, width)
        self.pooler = nn.Linear(width, width)

    def forward(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` to tokens ``[B, 1 + T // 16, width]``, projected."""
        tokens = self.embed(ecg)
        first = self.first.to(tokens.dtype).expand(len(tokens), 1, -1)
        projected: Tensor = self.out(self.transform(torch.cat([first, tokens], dim=1)))
        return projected

    def pool(self, tokens: Tensor) -> Tensor:
        """The first token, through a linear layer and a hyperbolic tangent."""
        pooled: Tensor = self.pooler(tokens[:, 0]).tanh()
        return pooled


class QueriedWaves(WaveTower):
    """The tower with learned queries that attend to its tokens, from which MELP reads its feature.

    Args:
        leads: Input channels.
        channels: Channels of the convolutional stem.
        width: Token width.
        depth: Transformer layers.
        heads: Attention heads.
        queries: Learned queries, about one per beat.
        out: Length of the feature.
        query_heads: Attention heads of the queries.
    """

    def __init__(
        self,
        *,
        leads: int,
        channels: int,
        width: int,
        depth: int,
        heads: int,
        queries: int,
        out: int,
        query_heads: int,
    ) -> None:
        super().__init__(leads=leads, channels=channels, width=width, depth=depth, heads=heads)
        self.features = out
        self.query = nn.Parameter(torch.randn(queries, out))
        self.query_norm = nn.LayerNorm(out)
        self.key_norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(
            out, query_heads, kdim=width, vdim=width, batch_first=True
        )
        self.norm = nn.LayerNorm(out)

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean over what the queries find: ``[B, N, width]`` to ``[B, out]``."""
        keys = self.key_norm(tokens)
        queries = self.query_norm(self.query).expand(len(tokens), -1, -1)
        found: Tensor = self.attention(queries, keys, keys, need_weights=False)[0]
        pooled: Tensor = self.norm(found).mean(1)
        return pooled
