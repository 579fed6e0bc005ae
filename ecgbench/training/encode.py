"""Encoding: checkpoint + signals -> features, once, whatever number of tasks read them."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ecgbench.base.errors import EcgbenchError
from ecgbench.base.hashing import content_hash
from ecgbench.base.paths import atomic_write, stage_dir
from ecgbench.base.progress import track
from ecgbench.config.sections import Config
from ecgbench.data.signals import Transform, adapt
from ecgbench.method import Method
from ecgbench.protocol import Records
from ecgbench.training.corpus import signal_spec
from ecgbench.training.device import (
    autocast,
    pick_device,
    pick_precision,
    reduced_precision,
    use_threads,
)
from ecgbench.training.recipe import Checkpoint, Recipe, load

Pass = Callable[[Method, torch.Tensor], torch.Tensor]


@dataclass
class Encoder:
    """A pre-trained method that encodes records of data sets, and remembers what it encoded.

    Features are kept under ``$ECGBENCH_HOME/features`` by the hash of the checkpoint, the data set, the
    signal's form, the transformation and a precision below float32, so a stale one cannot be read.
    Untransformed records are encoded split by split: whatever label set asks first, the others find them.
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

    def signals(self, records: Records, transform: Transform | None = None) -> NDArray[np.float16]:
        """Signals ``[n, leads, samples]`` as the method's configuration wants them.

        Args:
            records: Whose.
            transform: Changes the signals before anything else.
        """
        spec = signal_spec(self.recipe.config)
        if transform is None:
            return adapt(records.dataset, spec)[records.rows]
        return adapt(records.dataset, spec, transform, records.rows)

    def features(
        self, records: Records, transform: Transform | None = None, kind: str = "ecg"
    ) -> NDArray[np.float32]:
        """Features of records.

        Args:
            records: Whose.
            transform: Changes the signals first.
            kind: ``ecg`` (``encode_ecg``) or ``joint`` (``embed_ecg``).

        Returns:
            ``[n, d]``.
        """
        if transform is not None:
            return self._encoded(records, transform, kind)
        dataset = records.dataset
        split_of = dataset.records["split"].to_numpy()[records.rows]
        parts, places = [], []
        for split in np.unique(split_of):
            whole = np.flatnonzero(dataset.records["split"].to_numpy() == split)
            ids = dataset.records.index.to_numpy(dtype=str)[whole]
            encoded = self._encoded(Records(dataset, whole, ids), None, kind)
            place = np.flatnonzero(split_of == split)
            parts.append(encoded[np.searchsorted(whole, records.rows[place])])
            places.append(place)
        values: NDArray[np.float32] = np.concatenate(parts)[np.argsort(np.concatenate(places))]
        return values

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts in the space of the method's ECG embeddings: ``[n, dim]``."""
        started = time.perf_counter()
        method, size = self.method(), int(self.recipe.config.compute.encode_batch)
        device = pick_device(self.recipe.config)
        parts = []
        with torch.inference_mode(), autocast(device, pick_precision(self.recipe.config, device)):
            for start in range(0, len(texts), size):
                tokens = method.tokenize(texts[start : start + size])
                on_device = {name: value.to(device) for name, value in tokens.items()}
                parts.append(method.embed_text(on_device).float().cpu().numpy())
        self.seconds += time.perf_counter() - started
        values: NDArray[np.float32] = np.concatenate(parts)
        return values

    def _encoded(
        self, records: Records, transform: Transform | None, kind: str
    ) -> NDArray[np.float32]:
        path = self._path(records, transform, kind)
        if not path.is_file():
            self._encode(records, transform, kind, path)
        values: NDArray[np.float32] = np.load(path)
        return values

    def _path(self, records: Records, transform: Transform | None, kind: str) -> Path:
        address = content_hash(
            {
                "checkpoint": self.checkpoint.address,
                "dataset": records.dataset.fingerprint,
                "records": content_hash(records.rows.tolist()),
                "signal": signal_spec(self.recipe.config).model_dump(mode="json"),
                "transform": None if transform is None else [transform.name, transform.params],
                "kind": kind,
                **reduced_precision(self.recipe.config),
            }
        )
        return stage_dir("features") / f"{address[:32]}.npy"

    def _encode(self, records: Records, transform: Transform | None, kind: str, path: Path) -> None:
        started = time.perf_counter()
        passes: dict[str, Pass] = {
            "ecg": lambda method, ecg: method.encode_ecg(ecg),
            "joint": lambda method, ecg: method.embed_ecg(ecg),
        }
        what = f"Encoding {records.dataset.spec.name} with {self.recipe.info.name}"
        values = run_frozen(
            self.method(), self.signals(records, transform), passes[kind], self.recipe.config, what
        )
        buffer = io.BytesIO()
        np.save(buffer, values)
        atomic_write(path, buffer.getvalue())
        self.seconds += time.perf_counter() - started


def run_frozen(
    method: Method,
    signals: NDArray[np.floating],
    forward: Pass,
    config: Config,
    description: str,
) -> NDArray[np.float32]:
    """Put all signals through a frozen method, in eval mode, and see that it stayed as it was.

    Args:
        method: In whatever mode; it is put into eval mode.
        signals: ``[N, leads, samples]``.
        forward: ``(method, [B, leads, samples]) -> [B, ...]``.
        config: Its section ``compute`` says device, precision and batch size.
        description: For the progress bar.

    Returns:
        ``[N, ...]``.

    Raises:
        EcgbenchError: The method changed while it was frozen, or gave NaN.
    """
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
