"""The signals as a method wants them: made once per data set and wish, kept under their hash."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ecgbench.base.code import code_address
from ecgbench.base.errors import DataError
from ecgbench.base.hashing import canonical_json, content_hash
from ecgbench.base.paths import atomic_write, make_once, stage_dir
from ecgbench.data.dataset import Dataset
from ecgbench.data.leads import LEADS, lead_positions
from ecgbench.data.parallel import for_each
from ecgbench.data.store import Store

Scaling = Literal["none", "zscore-record", "zscore-lead", "minmax-record", "minmax-lead"]
Float32 = npt.NDArray[np.float32]

_CHUNK = 256
_ORDER = 4  # of the Butterworth band-pass, which runs forwards and backwards
_QUALITY = 30  # of the notch: its frequency over the width of the band that it removes
_FLAT = 1e-6  # a spread below this, in units of the store, is that of a constant


class Transform(Protocol):
    """A change of the signals before anything else: a corruption, a loss of leads.

    Attributes:
        name: What it is called.
        params: JSON-able parameters; with the name they are its identity.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def params(self) -> Mapping[str, Any]: ...  # noqa: D102

    def __call__(self, signals: Float32, rate: float, rng: np.random.Generator) -> Float32:
        """Change signals, [n, leads, samples] in units of the store, without changing the shape.

        It is called record by record (n is 1) with a generator that depends on the record's id
        alone, so that a record is changed in the same way whatever else is adapted with it.
        """


class SignalSpec(BaseModel):
    """What a method's input looks like.

    Attributes:
        rate: Hz.
        seconds: Length; longer records are cut, shorter ones padded with zeros after scaling.
        leads: Names, in order.
        notch: Frequency in Hz of the power line, which is removed; or None.
        bandpass: Lower and upper edge in Hz, or None.
        baseline: Seconds of a running median that is subtracted; or None.
        scaling: ``zscore-record`` and ``minmax-record`` use one mean and spread (or range) over all
            leads of a record, ``zscore-lead`` and ``minmax-lead`` those of each lead. Padding is never
            counted. A constant becomes zeros.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float = Field(default=100, gt=0)
    seconds: float = Field(default=10, gt=0)
    leads: tuple[str, ...] = LEADS
    notch: float | None = Field(default=None, gt=0)
    bandpass: tuple[float, float] | None = (0.67, 40.0)
    baseline: float | None = Field(default=None, gt=0)
    scaling: Scaling = "zscore-record"

    @model_validator(mode="after")
    def _coherent(self) -> SignalSpec:
        if self.bandpass is not None:
            low, high = self.bandpass
            if not 0 < low < high < self.rate / 2:
                raise ValueError(f"band-pass {low}-{high} Hz does not fit a rate of {self.rate} Hz")
        if self.notch is not None and self.notch >= self.rate / 2:
            raise ValueError(f"a notch at {self.notch} Hz does not fit a rate of {self.rate} Hz")
        if not self.leads or len(set(self.leads)) != len(self.leads):
            raise ValueError(f"leads must be named once each: {self.leads}")
        return self

    @property
    def samples(self) -> int:
        """Samples of a record."""
        return round(self.seconds * self.rate)

    def identity(self) -> dict[str, Any]:
        """What tells one wish from another; a filter that is not used is left out."""
        later = ("notch", "baseline")  # results had been published before these were there
        plain = self.model_dump(mode="json")
        return {key: v for key, v in plain.items() if key not in later or v is not None}


def adapt(
    dataset: Dataset,
    spec: SignalSpec,
    transform: Transform | None = None,
    rows: npt.NDArray[np.integer] | None = None,
    workers: int | None = None,
) -> npt.NDArray[np.float16]:
    """Give the signals of a data set as a method wants them.

    Order: transform, lead choice, resampling (polyphase), notch, band-pass (Butterworth of order 4,
    both forwards and backwards), running median, cut, scaling, padding; everything on the recorded
    samples alone. The signals are made once and kept; asked again, the file is opened.

    Args:
        dataset: The data set.
        spec: The wish.
        transform: A change before anything else.
        rows: Positions of the records wanted; None: all.
        workers: Processes; None: one per core.

    Returns:
        Memory map, float16 [rows, leads, samples], finite.

    Raises:
        DataError: The store lacks a lead, or a transform gave something that is not finite.
    """
    chosen = np.arange(len(dataset.store)) if rows is None else np.asarray(rows, dtype=np.int64)
    positions = lead_positions(spec.leads, dataset.store.leads)
    wish = _wish(dataset, spec, transform, rows)
    folder = stage_dir("adapted") / f"{dataset.spec.name}-{content_hash(wish)[:16]}"
    shape = (len(chosen), len(spec.leads), spec.samples)

    def make(scratch: Path) -> None:
        file = scratch / "signals.f16"
        with file.open("wb") as handle:
            handle.truncate(2 * shape[0] * shape[1] * shape[2])
        ids = [str(record) for record in dataset.records.index]
        jobs = _Jobs(dataset.store, ids, spec, transform, positions, file)
        starts = range(0, len(chosen), _CHUNK)
        chunks = [(start, chosen[start : start + _CHUNK]) for start in starts]
        for_each(jobs, chunks, f"adapting {dataset.spec.name}", workers)
        atomic_write(scratch / "made-from.json", canonical_json(wish) + "\n")

    make_once(folder, make)
    if 0 in shape:
        return np.zeros(shape, dtype=np.float16)
    return np.memmap(folder / "signals.f16", dtype=np.float16, mode="r", shape=shape)


def _wish(
    dataset: Dataset,
    spec: SignalSpec,
    transform: Transform | None,
    rows: npt.NDArray[np.integer] | None,
) -> dict[str, Any]:
    """The ingredients of the address of adapted signals."""
    return {
        "data": dataset.fingerprint,
        "rows": None if rows is None else content_hash(np.asarray(rows, np.int64).tolist()),
        "spec": spec.identity(),
        "transform": None if transform is None else [transform.name, dict(transform.params)],
        "code": code_address(__name__, *transform_code(transform)),
    }


def transform_code(transform: Transform | None) -> tuple[str, ...]:
    """The module behind a transform, as an entry of a code address; none without a transform."""
    return () if transform is None else (type(transform).__module__,)


def valid_lengths(dataset: Dataset, spec: SignalSpec) -> npt.NDArray[np.int32]:
    """How many samples of each record, adapted to ``spec``, were recorded: int32 [records]."""
    ratio = Fraction(spec.rate / dataset.store.rate).limit_denominator(1000)
    resampled = -(-dataset.store.lengths.astype(np.int64) * ratio.numerator // ratio.denominator)
    return np.minimum(resampled, spec.samples).astype(np.int32)


def adapt_record(
    signals: Float32, rate: float, spec: SignalSpec, positions: Sequence[int]
) -> Float32:
    """Adapt one record.

    Args:
        signals: Recorded samples, [leads of the store, samples].
        rate: Hz.
        spec: The wish.
        positions: Where the wanted leads stand.

    Returns:
        float32 [leads, spec.samples].
    """
    from scipy.signal import resample_poly

    chosen = signals[list(positions)].astype(np.float64)
    ratio = Fraction(spec.rate / rate).limit_denominator(1000)
    if ratio != 1:
        # the ends follow the line through them: zeros would ring where there is an offset
        chosen = resample_poly(chosen, ratio.numerator, ratio.denominator, axis=1, padtype="line")
    if chosen.shape[1] > 1:
        chosen = filter_record(chosen, spec)
    scaled = scale_record(chosen[:, : spec.samples], spec.scaling)
    padded = np.zeros((len(positions), spec.samples), dtype=np.float32)
    padded[:, : scaled.shape[1]] = scaled
    return padded


def filter_record(signals: npt.NDArray[np.float64], spec: SignalSpec) -> npt.NDArray[np.float64]:
    """Remove power line, what lies outside the band, and baseline, as far as a wish asks for it.

    Args:
        signals: ``[leads, samples]`` at ``spec.rate``, two samples or more.
        spec: The wish.
    """
    from scipy.ndimage import median_filter
    from scipy.signal import filtfilt, iirnotch, sosfiltfilt

    last = signals.shape[1] - 1
    if spec.notch is not None:
        numerator, denominator = iirnotch(spec.notch, _QUALITY, fs=spec.rate)
        signals = filtfilt(numerator, denominator, signals, axis=1, padlen=min(9, last))
    if spec.bandpass is not None:
        sections = _filter(spec.bandpass, spec.rate)
        # mirrored by one period of the lower edge: against 60 s records cut to 10 s, half the error
        # at the ends that SciPy's default leaves (docs/data.md)
        room = min(round(spec.rate / spec.bandpass[0]), last)
        signals = sosfiltfilt(sections, signals, axis=1, padtype="even", padlen=room)
    if spec.baseline is not None:
        width = int(spec.baseline * spec.rate) // 2 * 2 + 1
        # zeros beyond the ends, as in scipy.signal.medfilt, with which ECGFounder was trained
        baseline = [median_filter(lead, size=width, mode="constant") for lead in signals]
        signals = signals - np.stack(baseline)
    return signals


@lru_cache(maxsize=8)
def _filter(band: tuple[float, float], rate: float) -> npt.NDArray[np.float64]:
    from scipy.signal import butter

    sections = butter(_ORDER, band, btype="bandpass", fs=rate, output="sos")
    return np.asarray(sections, dtype=np.float64)


def scale_record(signals: npt.NDArray[np.float64], scaling: Scaling) -> npt.NDArray[np.float64]:
    """Scale one record, [leads, samples]; a constant becomes zeros."""
    if scaling == "none" or signals.size == 0:
        return signals
    axis = 1 if scaling.endswith("-lead") else None
    if scaling.startswith("minmax"):
        offset = signals.min(axis=axis, keepdims=True)
        spread = np.ptp(signals, axis=axis, keepdims=True)
    else:
        offset = signals.mean(axis=axis, keepdims=True)
        spread = signals.std(axis=axis, keepdims=True)
    flat = spread < _FLAT
    return np.where(flat, 0.0, (signals - offset) / np.where(flat, 1.0, spread))


class _Jobs:
    """Adapts chunks of rows and writes each to its place; travels to the workers."""

    def __init__(
        self,
        store: Store,
        ids: list[str],
        spec: SignalSpec,
        transform: Transform | None,
        positions: list[int],
        file: Path,
    ) -> None:
        self.store_path, self.manifest = store.path, store.manifest
        self.ids = ids if transform is not None else []
        self.spec, self.transform, self.positions, self.file = spec, transform, positions, file

    def __call__(self, chunk: tuple[int, npt.NDArray[np.int64]]) -> None:
        """Adapt the records of a chunk and write them from the place ``start`` on."""
        start, rows = chunk
        store = Store(self.store_path, self.manifest)
        signals = store.read(rows)
        made = np.empty((len(rows), len(self.positions), self.spec.samples), dtype=np.float16)
        for place, row in enumerate(rows):
            recorded = signals[place, :, : store.lengths[row]]
            if self.transform is not None:
                recorded = self._transformed(recorded, self.ids[row], store.rate)
            made[place] = adapt_record(recorded, store.rate, self.spec, self.positions)
        if not np.isfinite(made).all():
            raise DataError("Adapted signals are not finite.", "Look at the transform's values.")
        with self.file.open("r+b") as handle:
            handle.seek(start * made[0].nbytes if len(made) else 0)
            handle.write(made.tobytes())

    def _transformed(self, signals: Float32, record_id: str, rate: float) -> Float32:
        assert self.transform is not None
        identity = json.dumps([self.transform.name, dict(self.transform.params), record_id])
        seed = int.from_bytes(sha256(identity.encode()).digest()[:8], "big")
        changed: Float32 = self.transform(signals[None], rate, np.random.default_rng(seed))[0]
        if changed.shape != signals.shape:
            raise DataError(f"Transform {self.transform.name} changed the shape of a record.")
        return changed
