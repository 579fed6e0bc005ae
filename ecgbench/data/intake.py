"""One record on its way into a store: read, ordered, checked, processed, quantised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgbench.data.processing import PROCESSINGS
from ecgbench.data.recording import Recording, read_array, read_recording
from ecgbench.errors import DataError

_UNITS = {"mV": {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "v": 1e3}, "z-score per lead": {"nu": 1.0}}
_MAX = 32767

Signals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Intake:
    """What records of a data set must be, and what becomes of them.

    Attributes:
        leads: Leads to store, in order.
        rate: Sampling rate of the files, Hz.
        stored_rate: Sampling rate of the store, Hz.
        seconds: Length kept.
        min_seconds: Shortest usable recording.
        units: Unit of the files.
        processing: Name of the processing to apply, or None.
    """

    leads: tuple[str, ...]
    rate: float
    stored_rate: int
    seconds: float
    min_seconds: float
    units: str
    processing: str | None

    @property
    def samples(self) -> int:
        """Stored samples of a record."""
        return round(self.seconds * self.stored_rate)

    @property
    def record_bytes(self) -> int:
        """Bytes of a record in the store."""
        return 2 * len(self.leads) * self.samples


def take(intake: Intake, record: Path) -> tuple[Signals, Signals | None]:
    """Read one record into stored units, leads in order, cut to length.

    Args:
        intake: What it must be.
        record: WFDB record without a suffix, or a ``.npy`` file.

    Returns:
        Signals [leads, samples]; and counts per unit of each lead, where those of the file hold.

    Raises:
        DataError: Why it cannot be used; the message is the reason in quarantine.csv.
    """
    recording = _read(intake, record)
    if recording.rate != intake.rate:
        raise DataError(f"other rate: {recording.rate:g} Hz, not {intake.rate:g}")
    missing = [lead for lead in intake.leads if lead not in recording.leads]
    if missing:
        raise DataError(f"lacks a lead: {' '.join(missing)}")
    order = [recording.leads.index(lead) for lead in intake.leads]
    factors = np.array([_factor(intake.units, recording.units[lead]) for lead in order])
    signals = recording.signals[order] * factors[:, None]
    signals = signals[:, : round(intake.seconds * intake.rate)]
    check_signals(signals, intake.leads, intake.rate, intake.min_seconds)
    if intake.processing:
        function, _ = PROCESSINGS[intake.processing]
        return function(signals, intake.rate), None
    return signals, None if recording.gains is None else recording.gains[order] / factors


def _read(intake: Intake, record: Path) -> Recording:
    if record.suffix == ".npy":
        unit = next(iter(_UNITS[intake.units]))
        return read_array(record, intake.leads, intake.rate, unit)
    return read_recording(record)


def _factor(units: str, unit: str) -> float:
    factor = _UNITS[units].get(unit.lower())
    if factor is None:
        raise DataError(f"other unit: {unit}, not {units}")
    return factor


def check_signals(
    signals: Signals, leads: tuple[str, ...], rate: float, min_seconds: float
) -> None:
    """Refuse what is no usable recording.

    Args:
        signals: [leads, samples].
        leads: Names.
        rate: Hz.
        min_seconds: Shortest usable recording.

    Raises:
        DataError: Too short, not finite, or a lead that never moves (no electrode).
    """
    seconds = signals.shape[1] / rate
    if seconds < min_seconds:
        raise DataError(f"too short: {seconds:g} s, at least {min_seconds:g}")
    broken = [lead for lead, row in zip(leads, signals, strict=True) if not np.isfinite(row).all()]
    if broken:
        raise DataError(f"not finite: {' '.join(broken)}")
    flat = [lead for lead, row in zip(leads, signals, strict=True) if np.ptp(row) == 0]
    if flat:
        raise DataError(f"flat: {' '.join(flat)}")


def quantise(
    signals: Signals, gains: Signals | None
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    """Turn units into int16 counts with one scale per lead.

    A lead keeps the counts of its file where they fit (then nothing is lost); otherwise its largest
    magnitude becomes 32,767.

    Args:
        signals: [leads, samples].
        gains: Counts per unit of each lead in the file, or None.

    Returns:
        Counts [leads, samples] and units per count [leads].
    """
    peak = np.abs(signals).max(axis=1)
    scale = np.where(peak > 0, peak / _MAX, 1.0)
    if gains is not None:
        scale = np.where(peak * gains <= _MAX, 1.0 / gains, scale)
    counts = np.rint(signals / scale[:, None])
    return np.clip(counts, -_MAX, _MAX).astype("<i2"), scale.astype(np.float32)
