"""Encoding: checkpoint + signals -> features, once, whatever number of tasks read them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ecgbench.data.dataset import Dataset
from ecgbench.data.signals import Transform, adapt
from ecgbench.errors import EcgbenchError
from ecgbench.hashing import content_hash
from ecgbench.method import Method
from ecgbench.paths import atomic_write, stage_dir
from ecgbench.progress import track
from ecgbench.training.corpus import signal_spec
from ecgbench.training.device import autocast, pick_device, pick_precision, use_threads
from ecgbench.training.recipe import Checkpoint, Recipe, load

Pass = Callable[[Method, torch.Tensor], torch.Tensor]


@dataclass
class Encoder:
    """A pre-trained method that encodes records of data sets, and remembers what it encoded.

    Features are kept under ``$ECGBENCH_HOME/features`` by the hash of the checkpoint, the data set, the
    signal's form and the transformation, so a stale one cannot be read.
    """

    recipe: Recipe
    checkpoint: Checkpoint
    seconds: float = 0.0
    _method: Method | None = field(default=None, repr=False)

    def method(self) -> Method:
        """The method itself, in eval mode, on the run's device."""
        if self._method is None:
            self._method = load(self.recipe, self.checkpoint)
        return self._method

    def features(
        self,
        dataset: Dataset,
        rows: NDArray[np.intp],
        transform: Transform | None = None,
        kind: str = "ecg",
    ) -> NDArray[np.float32]:
        """Features of records.

        Args:
            dataset: Where the records are.
            rows: Their positions.
            transform: Changes the signals first.
            kind: ``ecg`` (``encode_ecg``) or ``joint`` (``embed_ecg``).

        Returns:
            ``[n, d]``.
        """
        path = self._path(dataset, transform, kind)
        if not path.is_file():
            self._encode(dataset, transform, kind, path)
        return np.asarray(np.load(path, mmap_mode="r")[rows], np.float32)

    def _path(self, dataset: Dataset, transform: Transform | None, kind: str) -> Path:
        address = content_hash(
            {
                "checkpoint": self.checkpoint.address,
                "dataset": dataset.fingerprint,
                "signal": signal_spec(self.recipe.config).model_dump(mode="json"),
                "transform": None if transform is None else [transform.name, transform.params],
                "kind": kind,
            }
        )
        return stage_dir("features") / f"{address[:32]}.npy"

    def _encode(self, dataset: Dataset, transform: Transform | None, kind: str, path: Path) -> None:
        import io
        import time

        started = time.perf_counter()
        signals = adapt(dataset, signal_spec(self.recipe.config), transform)
        passes: dict[str, Pass] = {
            "ecg": lambda method, ecg: method.encode_ecg(ecg),
            "joint": lambda method, ecg: method.embed_ecg(ecg),
        }
        values = run_frozen(
            self.method(),
            signals,
            passes[kind],
            self.recipe,
            f"Encoding {dataset.spec.name} with {self.recipe.info.name}",
        )
        buffer = io.BytesIO()
        np.save(buffer, values)
        atomic_write(path, buffer.getvalue())
        self.seconds += time.perf_counter() - started


def run_frozen(
    method: Method,
    signals: NDArray[np.floating],
    forward: Pass,
    recipe: Recipe,
    description: str,
) -> NDArray[np.float32]:
    """Put all signals through a frozen method, in eval mode, and see that it stayed as it was.

    Args:
        method: In whatever mode; it is put into eval mode.
        signals: ``[N, leads, samples]``.
        forward: ``(method, [B, leads, samples]) -> [B, ...]``.
        recipe: Says device, precision, batch size.
        description: For the progress bar.

    Returns:
        ``[N, ...]``.

    Raises:
        EcgbenchError: The method changed while it was frozen, or gave NaN.
    """
    config = recipe.config
    use_threads(config)
    device = pick_device(config)
    precision = pick_precision(config, device)
    method.eval()
    before = state_hash(method)
    size = int(config.compute.encode_batch)
    parts = []
    with torch.inference_mode(), autocast(device, precision):
        for start in track(range(0, len(signals), size), description):
            ecg = np.asarray(signals[start : start + size], np.float32)
            parts.append(forward(method, torch.from_numpy(ecg).to(device)).float().cpu().numpy())
    if state_hash(method) != before:
        raise EcgbenchError(
            f"{type(method).__name__} changed its own weights or statistics while it was frozen.",
            "Encoding must leave every parameter and buffer as it is in eval mode.",
        )
    values = np.concatenate(parts)
    if not np.isfinite(values).all():
        raise EcgbenchError(f"{type(method).__name__} gave NaN or infinite features.")
    return values


def state_hash(method: torch.nn.Module) -> str:
    """SHA-256 of every parameter and buffer."""
    digest = hashlib.sha256()
    for name, value in sorted(method.state_dict().items()):
        digest.update(name.encode())
        plain = value.detach().cpu().contiguous()
        digest.update(
            plain.view(torch.uint8).numpy().tobytes() if plain.ndim else bytes(str(plain), "ascii")
        )
    return digest.hexdigest()
