"""A method that consists of its ECG encoder, for baselines without pre-training."""

from __future__ import annotations

from torch import Tensor

from ecgbench.method import Method, Setup
from ecgbench.nn.settings import AnyTower
from ecgbench.nn.towers import build_tower


class EncoderOnly(Method):
    """The encoder named by ``model.encoder``, at initialisation."""

    config: AnyTower

    def __init__(self, config: AnyTower, setup: Setup) -> None:
        super().__init__(config, setup)
        self.encoder = build_tower(config.encoder, config, setup)

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The encoder's feature: ``[B, L, T] -> [B, features]``."""
        return self.encoder.pool(self.encoder(ecg))

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """The encoder's tokens: ``[B, L, T] -> [B, N, width]``."""
        return self.encoder(ecg)
