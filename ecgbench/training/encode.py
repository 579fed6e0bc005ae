"""Encoding: checkpoint + signals -> features, computed once for all tasks."""

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
from torch.nn.functional import adaptive_avg_pool1d

from ecgbench.base.code import code_address
from ecgbench.base.errors import EcgbenchError
from ecgbench.base.hashing import content_hash
from ecgbench.base.paths import atomic_write, one_writer, stage_dir
from ecgbench.base.progress import track
from ecgbench.config.sections import Config
from ecgbench.data.signals import Transform, adapt, transform_code
from ecgbench.method import Method
from ecgbench.protocol import Records
from ecgbench.training.corpus import signal_spec
from ecgbench.training.device import (
    Precision,
    autocast,
    pick_device,
    pick_precision,
    reduced_precision,
    use_threads,
)
from ecgbench.training.recipe import Checkpoint, Recipe, load
from ecgbench.training.windows import name_of

ENDS = [-1, 0]  # the records that are encoded twice
ROUNDING, HALF_ROUNDING = 0.002, 0.05

Pass = Callable[[Method, torch.Tensor], torch.Tensor]


@dataclass
class Encoder:
    """A pre-trained method that encodes records of data sets and caches the features.

    Features are stored in ``$ECGBENCH_HOME/features`` under a hash of the checkpoint, the data set, the
    signal section, the transformation and a precision below float32, so stale features are never read.
    Untransformed records are encoded split by split, so that all label sets share them.
    """

    recipe: Recipe
    checkpoint: Checkpoint
    seconds: float = 0.0
    _method: Method | None = field(default=None, repr=False)

    def method(self) -> Method:
        """The method in eval mode, on the device of the run."""
        if self._method is None:
            self._method = load(self.recipe, self.checkpoint)
        return self._method

    def signals(self, records: Records, transform: Transform | None = None) -> NDArray[np.float16]:
        """Signals ``[n, leads, samples]`` as the method's configuration defines them.

        Args:
            records: The records.
            transform: Applied to the signals before all other processing.
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
            records: The records.
            transform: Applied to the signals first.
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

    def tokens(self, records: Records, most: int) -> NDArray[np.float32]:
        """Tokens of records, averaged over neighbours where a record has more than ``most``.

        Returns:
            ``[n, k, width]`` with ``k <= most``.
        """

        def averaged(method: Method, ecg: torch.Tensor) -> torch.Tensor:
            tokens = method.encode_tokens(ecg).float()
            return adaptive_avg_pool1d(tokens.mT, min(most, tokens.shape[1])).mT

        started = time.perf_counter()
        what = f"Tokens of {records.dataset.spec.name} by {self.recipe.info.name}"
        values = run_frozen(
            self.method(), self.signals(records), averaged, self.recipe.config, what
        )
        self.seconds += time.perf_counter() - started
        return values

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts in the space of the method's ECG embeddings: ``[n, dim]``."""
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
            with one_writer(path):
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
                "signal": signal_spec(self.recipe.config).identity(),
                "transform": None if transform is None else [transform.name, transform.params],
                "kind": kind,
                "code": code_address(__name__, *transform_code(transform)),
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
    """Put all signals through a frozen method, in eval mode, and check that it is frozen.

    The last and the first record are encoded a second time, as a batch of their own: see
    :func:`check_batch_independence`.

    Args:
        method: The method; it is switched to eval mode.
        signals: ``[N, leads, samples]``.
        forward: ``(method, [B, leads, samples]) -> [B, ...]``.
        config: Its section ``compute`` defines device, precision and batch size.
        description: Text of the progress bar.

    Returns:
        ``[N, ...]``.

    Raises:
        EcgbenchError: The method changed while it was frozen, gave NaN, or gave a record other features
            in another batch.
    """
    use_threads(config)
    device = pick_device(config)
    precision = pick_precision(config, device)
    method.eval()
    before = state_hash(method)
    size = int(config.compute.encode_batch)

    def encode(ecg: NDArray[np.floating]) -> NDArray[np.float32]:
        on_device = torch.from_numpy(np.asarray(ecg, np.float32)).to(device)
        made: NDArray[np.float32] = forward(method, on_device).float().cpu().numpy()
        return made

    with torch.inference_mode(), autocast(device, precision):
        parts = [
            encode(signals[start : start + size])
            for start in track(range(0, len(signals), size), description)
        ]
        again = encode(signals[ENDS]) if len(signals) > 1 else None
    if state_hash(method) != before:
        raise EcgbenchError(
            f"{name_of(method)} changed its own weights or statistics while frozen.",
            "In eval mode, encoding must not change any parameter or buffer.",
        )
    values = np.concatenate(parts)
    if not np.isfinite(values).all():
        raise EcgbenchError(f"{name_of(method)} returned NaN or infinite features.")
    if again is not None:
        check_batch_independence(name_of(method), values, again, precision)
    return values


def check_batch_independence(
    name: str, values: NDArray[np.floating], again: NDArray[np.floating], precision: Precision
) -> None:
    """Check that a record has the same features in another batch.

    The allowed difference is a hundredth of the spread over the records, plus what rounding explains:
    0.2 % of the largest value in full precision (a GPU multiplies in TF32), 5 % in half precision.

    Args:
        name: Of the method.
        values: ``[N, ...]`` of all records, in batches of the usual size.
        again: ``[2, ...]`` of the last and the first record, as a batch of their own.
        precision: Of the encoding.

    Raises:
        EcgbenchError: The difference is larger.
    """
    spread = float(np.sqrt(np.mean(values.var(axis=0))))
    rounding = (ROUNDING if precision == "32-true" else HALF_ROUNDING) * float(np.abs(values).max())
    away, allowed = float(np.abs(values[ENDS] - again).max()), 0.01 * spread + rounding
    if not away <= allowed:
        raise EcgbenchError(
            f"{name} gives a record other features in another batch: "
            f"they differ by {away:.3g}, and {allowed:.3g} is allowed.",
            "Each record must be encoded by itself; batch-norm, for example, must be in eval mode.",
        )


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
