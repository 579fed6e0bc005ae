"""Does what is learnt from simulated records hold for real ones? A supervised model tells.

This module needs torch; the simulator itself does not.
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

from ecgbench.data.simulated.measurements import band_pass
from ecgbench.progress import track

#: Positives that a statement needs in the real records to be scored.
MIN_POSITIVES = 10


@dataclass(frozen=True)
class Labelled:
    """Records with their statements.

    Attributes:
        signals: [records, 12, samples] float32, band-passed and z-scored per lead.
        codes: The statements of each record.
        folds: 1..10.
    """

    signals: NDArray[np.float32]
    codes: tuple[frozenset[str], ...]
    folds: NDArray[np.int64]

    def targets(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Presence [records, names] of some statements."""
        return np.array([[n in c for n in names] for c in self.codes], dtype=np.float32)


def read(folder: Path, filtered: bool) -> Labelled:
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
    return Labelled(signals.astype(np.float32), codes, folds)


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


class Net(nn.Module):
    """A small 1-D ResNet: [records, 12, samples] to [records, statements] logits."""

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
        """Logits [records, statements] of signals [records, 12, samples]."""
        features = self.trunk(x)
        return self.head(torch.cat([features.mean(dim=2), features.amax(dim=2)], dim=1))  # type: ignore[no-any-return]


def train(
    signals: NDArray[np.float32], targets: NDArray[np.float32], epochs: int, seed: int
) -> Net:
    """Fit the net with binary cross-entropy, AdamW and a one-cycle schedule.

    Args:
        signals: [records, 12, samples].
        targets: [records, statements].
        epochs: Passes over the records.
        seed: Of weights, order and augmentation.
    """
    torch.manual_seed(seed)
    net = Net(targets.shape[1])
    x, y = torch.from_numpy(signals), torch.from_numpy(targets)
    batch = 64
    steps = epochs * (len(x) // batch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps + 1)
    net.train()
    for _ in track(range(epochs), "Training", epochs):
        order = torch.randperm(len(x))
        for i in range(len(x) // batch):
            rows = order[i * batch : (i + 1) * batch]
            loss = nn.functional.binary_cross_entropy_with_logits(net(_vary(x[rows])), y[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return net.eval()


def _vary(x: Tensor) -> Tensor:
    """Crop eight seconds anywhere, add a little noise, and weaken some leads."""
    start = int(torch.randint(0, 201, ()))
    x = x[:, :, start : start + 800]
    x = x + 0.05 * torch.rand(len(x), 12, 1) * torch.randn_like(x)
    return x * (torch.rand(len(x), 12, 1) > 0.05)


@torch.no_grad()
def predict(net: Net, signals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits [records, statements], averaged over three crops."""
    x = torch.from_numpy(signals)
    parts = [
        sum(net(x[i : i + 256, :, start : start + 800]) for start in (0, 100, 200))
        for i in range(0, len(x), 256)
    ]
    return np.asarray(torch.cat([torch.as_tensor(p) for p in parts]).numpy())


def shared_statements(simulated: Labelled, real: Labelled) -> list[str]:
    """Statements that both have, with enough positives in the real records."""
    known = {code for codes in simulated.codes for code in codes}
    return [
        code
        for code in sorted(known)
        if MIN_POSITIVES <= sum(code in c for c in real.codes) <= len(real.codes) - MIN_POSITIVES
    ]
