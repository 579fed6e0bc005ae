"""HuBERT-ECG base (Coppola et al. 2024) with its published weights."""

from __future__ import annotations

from typing import ClassVar

from ecgbench.methods.published.hubert_ecg.settings import HuBERTECGSettings
from torch import Tensor
from transformers import HubertConfig, HubertModel

from ecgbench.nn.towers import Tower
from ecgbench.plugins.published import preset_in
from ecgbench.published.encoder import PublishedEncoder
from ecgbench.published.weights import Names

KERNELS = (10, 3, 3, 2, 2)
STRIDES = (4, 2, 2, 2, 2)


class HubertTower(Tower):
    """HuBERT over the leads laid end to end: one channel, one token per 64 samples.

    Args:
        channels: Channels of the convolutional stem.
        width: Token width.
        depth: Transformer layers.
        heads: Attention heads.
    """

    def __init__(self, *, channels: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.width = self.features = width
        config = HubertConfig(
            hidden_size=width,
            num_hidden_layers=depth,
            num_attention_heads=heads,
            intermediate_size=4 * width,
            conv_dim=(channels,) * len(KERNELS),
            conv_kernel=KERNELS,
            conv_stride=STRIDES,
            conv_bias=False,
            feat_extract_norm="group",
            mask_time_prob=0.0,
            mask_feature_prob=0.0,
            layerdrop=0.0,
            attn_implementation="sdpa",
        )
        self.hubert = HubertModel(config)

    def forward(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` in [0, 1] to tokens ``[B, N, width]``."""
        line = (2 * ecg - 1).flatten(1)  # the authors scale each lead to [-1, 1]
        tokens: Tensor = self.hubert(line).last_hidden_state
        return tokens

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean over all tokens."""
        return tokens.mean(1)


class HuBERTECG(PublishedEncoder):
    """The encoder; projections and codebook embeddings of pre-training are not used."""

    preset = preset_in(__file__, "config.yaml")
    names: ClassVar[Names] = {
        r"\.weight_g$": ".parametrizations.weight.original0",
        r"\.weight_v$": ".parametrizations.weight.original1",
        r"^": "hubert.",
    }

    def network(self, config: HuBERTECGSettings, samples: int) -> Tower:
        """A HuBERT of twelve layers."""
        return HubertTower(**config.network.model_dump())
