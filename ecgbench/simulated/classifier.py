"""A supervised model that is trained on simulated records and tested on real ones.

The model combines a ResNet on the signal with a perceptron on the median beat and the rhythm. This
module needs torch; the simulator does not.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgbench.base.progress import track
from ecgbench.simulated.measurements import band_pass, find_beats

#: Positives that a statement needs in the real records to be scored.
MIN_POSITIVES = 10


@dataclass(frozen=True)
class StatementRecords:
    """Records with their statements.

    Attributes:
        signals: [records, 12, samples] float32, band-passed and z-scored per lead.
        codes: The statements of each record.
        folds: 1..10.
    """

    signals: NDArray[np.float32]
    codes: tuple[frozenset[str], ...]
    folds: NDArray[np.int64]

    def where(self, rows: NDArray[np.bool_]) -> StatementRecords:
        """Some of the records."""
        codes = tuple(c for c, keep in zip(self.codes, rows, strict=True) if keep)
        return StatementRecords(self.signals[rows], codes, self.folds[rows])

    def targets(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Presence [records, names] of some statements."""
        return np.array([[n in c for n in names] for c in self.codes], dtype=np.float32)


def read(folder: Path, filtered: bool) -> StatementRecords:
    """Read the 100 Hz records of a PTB-XL-shaped folder.

    Args:
        folder: Holds ptbxl_database.csv and records100.
        filtered: Whether the files were band-passed already (ptbxl-mini), or are in mV.
    """
    import pandas as pd
    import wfdb

    table = pd.read_csv(folder / "ptbxl_database.csv")
    signals = np.stack([wfdb.rdsamp(str(folder / n))[0].T for n in table["filename_lr"]])
    if not filtered:
        signals = band_pass(signals, 100.0, 0.5, 40.0)
    signals = signals - signals.mean(axis=2, keepdims=True)
    signals = signals / (signals.std(axis=2, keepdims=True) + 1e-6)
    codes = tuple(frozenset(ast.literal_eval(text)) for text in table["scp_codes"])
    folds = table["strat_fold"].to_numpy(dtype=np.int64)
    return StatementRecords(signals.astype(np.float32), codes, folds)


class _Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(inputs, outputs, 7, stride, 3, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
            nn.Conv1d(outputs, outputs, 7, 1, 3, bias=False),
            nn.BatchNorm1d(outputs),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool1d(stride, stride, ceil_mode=True), nn.Conv1d(inputs, outputs, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class WaveNet(nn.Module):
    """A small 1-D ResNet: signals [records, 12, samples] to logits [records, statements]."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv1d(12, 48, 15, 4, 7, bias=False),
            nn.BatchNorm1d(48),
            nn.ReLU(),
            _Block(48, 64, 2),
            _Block(64, 96, 2),
            _Block(96, 128, 2),
        )
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(256, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Logits of signals; random crops of eight seconds in training, whole signals afterwards."""
        if self.training:
            start = int(torch.randint(0, x.shape[2] // 5 + 1, ()))
            x = x[:, :, start : start + x.shape[2] * 4 // 5]
            x = x + 0.05 * torch.rand(len(x), 12, 1) * torch.randn_like(x)
        features = self.trunk(x)
        pooled = torch.cat([features.mean(dim=2), features.amax(dim=2)], dim=1)
        return torch.as_tensor(self.head(pooled))


class BeatNet(nn.Module):
    """A perceptron: `beat_features` [records, features] to logits [records, statements]."""

    centre: Tensor
    scale: Tensor

    def __init__(self, centre: Tensor, scale: Tensor, outputs: int) -> None:
        super().__init__()
        self.register_buffer("centre", centre)
        self.register_buffer("scale", scale)
        self.layers = nn.Sequential(
            nn.Dropout(0.1),
            nn.Linear(len(centre), 192),
            nn.GELU(),
            nn.Dropout(0.4),
            nn.Linear(192, outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Logits of features."""
        x = ((x - self.centre) / self.scale).clamp(-6.0, 6.0)
        if self.training:
            x = x + 0.1 * torch.randn_like(x)
        return torch.as_tensor(self.layers(x))


def beat_features(signals: NDArray[np.float32], rate: float = 100.0) -> NDArray[np.float32]:
    """The median beat of each lead, how much beats differ, and the rhythm: [records, features]."""
    return np.stack([_beat_features(signal.astype(np.float64), rate) for signal in signals])


def _beat_features(signal: NDArray[np.float64], rate: float) -> NDArray[np.float32]:
    peaks = find_beats(signal, rate)
    before, after = round(0.32 * rate), round(0.58 * rate)
    inside = peaks[(peaks >= before) & (peaks < signal.shape[1] - after)]
    if len(inside) < 2:
        inside = np.arange(1, 9) * signal.shape[1] // 10
    beats = np.stack([signal[:, p - before : p + after] for p in inside])
    rr = np.diff(peaks) / rate if len(peaks) > 2 else np.array([0.8, 0.8])
    successive = np.sqrt(np.mean(np.diff(rr) ** 2))
    rhythm = [
        60.0 / np.median(rr),
        successive / rr.mean(),
        rr.std() / rr.mean(),
        np.ptp(rr) / rr.mean(),
        rr.min() / np.median(rr),
        len(peaks),
    ]
    parts = (np.median(beats, axis=0).ravel(), beats.std(axis=0).mean(axis=1), rhythm)
    return np.concatenate(parts).astype(np.float32)


def fit(
    net: nn.Module,
    inputs: NDArray[np.float32],
    targets: NDArray[np.float32],
    epochs: int,
    rate: float,
) -> nn.Module:
    """Fit a net with binary cross-entropy, AdamW and a one-cycle schedule.

    Args:
        net: Maps inputs to logits [records, statements].
        inputs: [records, ...].
        targets: [records, statements].
        epochs: Passes over the records.
        rate: Highest learning rate.
    """
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets)
    batches = -(-len(x) // 64)
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.08)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * batches)
    net.train()
    for _ in track(range(epochs), f"Training {type(net).__name__}", epochs):
        order = torch.randperm(len(x))
        for start in range(0, len(x), 64):
            rows = order[start : start + 64]
            loss = nn.functional.binary_cross_entropy_with_logits(net(x[rows]), y[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return net.eval()


def committee(
    train: StatementRecords,
    targets: NDArray[np.float32],
    others: Sequence[StatementRecords],
    epochs: int,
    seed: int,
) -> list[NDArray[np.float32]]:
    """Train both nets on some records and score others.

    Args:
        train: Training records.
        targets: Its statements [records, statements].
        others: Records to score.
        epochs: Passes of the ResNet; the perceptron takes twice as many.
        seed: Random seed of weights, order and augmentation.

    Returns:
        The sum of the two nets' logits [records, statements] for each of `others`.
    """
    torch.manual_seed(seed)
    outputs = targets.shape[1]
    waves = fit(WaveNet(outputs), train.signals, targets, epochs, rate=3e-3)
    features = beat_features(train.signals)
    centre, scale = torch.from_numpy(features.mean(axis=0)), torch.from_numpy(features.std(axis=0))
    beats = BeatNet(centre, scale + 0.1, outputs)
    fit(beats, features, targets, 2 * epochs, rate=3e-3)
    return [
        predict(waves, other.signals) + predict(beats, beat_features(other.signals))
        for other in others
    ]


@torch.no_grad()
def predict(net: nn.Module, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits [records, statements]."""
    x = torch.from_numpy(inputs)
    return np.concatenate([net(x[i : i + 256]).numpy() for i in range(0, len(x), 256)])


def shared_statements(simulated: StatementRecords, real: StatementRecords) -> list[str]:
    """Statements that both have, with enough positives in the real records."""
    known = {code for codes in simulated.codes for code in codes}
    return [
        code
        for code in sorted(known)
        if MIN_POSITIVES <= sum(code in c for c in real.codes) <= len(real.codes) - MIN_POSITIVES
    ]
