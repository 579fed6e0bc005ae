"""MERL (Liu et al., ICML 2024): contrast between ECG and report, and between two views of an ECG."""

from __future__ import annotations

from typing import NamedTuple

from ecgbench.methods.merl.settings import MERLSettings
from torch import Tensor, nn

from ecgbench.method import Batch, Setup
from ecgbench.nn.distributed import gather
from ecgbench.nn.losses import merl_contrast
from ecgbench.nn.resnet import AttentionPool
from ecgbench.nn.text_side import TextSide
from ecgbench.nn.towers import build_text, build_tower, projection, unit

_STRIDE = 16  # total stride of the ResNet without max pool


class Compared(NamedTuple):
    """The representations of an ECG in the loss.

    Attributes:
        vector: ``[B, dim]``, compared with reports (CMA).
        feature: ``[B, features]``, input of the two views (UMA).
    """

    vector: Tensor
    feature: Tensor


class ConvolutionHead(nn.Module):
    """A 1 x 1 convolution, whose mean is the feature, followed by an attention pool.

    Attributes:
        features: Length of the feature.
    """

    def __init__(self, width: int, dim: int, length: int) -> None:
        super().__init__()
        self.features = dim
        self.reduce = nn.Linear(width, dim)  # a 1 x 1 convolution, channels last
        self.pool = AttentionPool(length=length, width=dim, heads=4)

    def forward(self, tokens: Tensor, pooled: Tensor) -> Compared:
        """Tokens ``[B, N, width]`` and the encoder's pooled feature, which is unused."""
        reduced = self.reduce(tokens)
        return Compared(self.pool(reduced.transpose(1, 2)), reduced.mean(1))


class TransformerHead(nn.Module):
    """A two-layer network with batch norm on the encoder's pooled feature.

    Attributes:
        features: Length of the feature.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.features = width
        self.layers = nn.Sequential(
            nn.Linear(width, dim),
            nn.BatchNorm1d(dim),
            nn.ReLU(),
            nn.Linear(dim, dim),
            nn.BatchNorm1d(dim),
        )

    def forward(self, tokens: Tensor, pooled: Tensor) -> Compared:
        """Tokens, which are unused, and the encoder's pooled feature ``[B, width]``."""
        return Compared(self.layers(pooled), pooled)


class MERL(TextSide):
    """Cross-modal alignment (CMA) plus uni-modal alignment (UMA), both at a fixed temperature.

    CMA compares ECGs with their reports; UMA compares two views of one ECG's pooled feature, from
    two linear maps with dropout.
    """

    config: MERLSettings

    def __init__(self, config: MERLSettings, setup: Setup) -> None:
        super().__init__(config, setup)
        self.encoder = build_tower(config.encoder, config, setup)
        self.head = _head(config.encoder, self.encoder.width, config.dim, setup.samples)
        self.first_view = nn.Linear(self.head.features, config.dim, bias=False)
        self.second_view = nn.Linear(self.head.features, config.dim, bias=False)
        self.drop = nn.Dropout(config.dropout)
        self.text = build_text(config.text, setup)
        self.text_projection = projection(self.text.width, config.dim, config.dim)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """``CMA + UMA``, each the sum of both cross-entropies."""
        tokens, text_id = batch.with_reports("MERL")
        ecg = self._compared(batch.ecg)
        text = self.text_projection(self.text(tokens).pooled)
        keys = gather(text_id) if self.config.mask_equal_reports else None
        t = self.config.temperature
        cma = merl_contrast(gather(ecg.vector), gather(text), t, keys)
        first, second = (
            self.drop(view(ecg.feature)) for view in (self.first_view, self.second_view)
        )
        uma = merl_contrast(gather(first), gather(second), t)
        return {
            "loss": cma + self.config.uma * uma,
            "cma": cma.detach(),
            "uma": uma.detach(),
        }

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The pooled encoder output, which MERL probes: ``[B, L, T] -> [B, features]``."""
        return self.encoder.pool(self.encoder(ecg))

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """The encoder's tokens: ``[B, L, T] -> [B, N, width]``."""
        return self.encoder(ecg)

    def embed_ecg(self, ecg: Tensor) -> Tensor:
        """Embed ECGs as unit vectors in the space of the texts: ``[B, L, T] -> [B, dim]``."""
        return unit(self._compared(ecg).vector)

    def _compared(self, ecg: Tensor) -> Compared:
        tokens = self.encoder(ecg)
        compared: Compared = self.head(tokens, self.encoder.pool(tokens))
        return compared


def _head(encoder: str, width: int, dim: int, samples: int) -> ConvolutionHead | TransformerHead:
    if encoder == "resnet18":
        return ConvolutionHead(width, dim, -(-samples // _STRIDE))
    return TransformerHead(width, dim)
