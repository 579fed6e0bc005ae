"""Classical ECG measurements as a method without training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ecgbench.methods.classical.features import feature_names, measure
from torch import Tensor

from ecgbench.data.leads import LEADS
from ecgbench.method import Method, Setup


@torch.library.custom_op("ecgbench::classical_features", mutates_args=())
def classical_features(ecg: Tensor, rate: float, leads: str) -> Tensor:
    """Measure ECGs ``[B, L, T]`` on the CPU, regardless of their device: ``[B, features]``."""
    names = leads.split()
    signals = ecg.detach().to("cpu", torch.float64).numpy()
    rows = [measure(signal, rate, names) for signal in signals]
    features = np.array(rows).reshape(len(rows), len(feature_names(names)))
    return torch.from_numpy(features).to(ecg.device, torch.float32)


@classical_features.register_fake
def _(ecg: Tensor, rate: float, leads: str) -> Tensor:
    return ecg.new_empty(len(ecg), len(feature_names(leads.split())), dtype=torch.float32)


class Classical(Method):
    """Named features for rhythm, axis, intervals and wave amplitudes, interpretable with a linear probe."""

    def __init__(self, config: Any, setup: Setup) -> None:
        super().__init__(config, setup)
        self.leads = setup.leads or LEADS

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """Measurements in the order of ``features.feature_names``: ``[B, L, T] -> [B, features]``."""
        features: Tensor = classical_features(ecg, float(self.setup.rate), " ".join(self.leads))
        return features
