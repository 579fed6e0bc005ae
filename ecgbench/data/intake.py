"""One record on its way into a store: read, ordered, checked, processed, quantised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError
from ecgbench.data.leads import derive_limb_lead, is_derivable
from ecgbench.data.processing import PROCESSINGS
from ecgbench.data.recording import Recording, read_array, read_recording

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
        derive_limb_leads: Compute limb leads that a file lacks.
    """

    leads: tuple[str, ...]
    rate: float
    stored_rate: int
    seconds: float
    min_seconds: float
    units: str
    processing: str | None
    derive_limb_leads: bool

    @property
    def samples(self) -> int:
        """Stored samples of a record."""
        return round(self.seconds * self.stored_rate)

    @property
    def record_bytes(self) -> int:
        """Bytes of a record in the store."""
        return 2 * len(self.leads) * self.samples


@dataclass(frozen=True)
class Taken:
    """A record as it goes into the store.

    Attributes:
        signals: [leads, samples] in stored units.
        gains: Counts per unit of each lead, where those of the file hold; else None.
        derived: Leads that were computed from others.
    """

    signals: Signals
    gains: Signals | None
    derived: tuple[str, ...] = ()


def take(intake: Intake, record: Path) -> Taken:
    """Read one record into stored units, leads in order, cut to length.

    Args:
        intake: What it must be.
        record: WFDB record without a suffix, or a ``.npy`` file.

    Raises:
        DataError: Why it cannot be used; the message is the reason in quarantine.csv.
    """
    recording = _read(intake, record)
    if recording.rate != intake.rate:
        raise DataError(f"other rate: {recording.rate:g} Hz, not {intake.rate:g}")
    derived = _derivable(recording, intake.leads) if intake.derive_limb_leads else ()
    missing = [lead for lead in intake.leads if lead not in (*recording.leads, *derived)]
    if missing:
        raise DataError(f"lacks a lead: {' '.join(missing)}")
    recording = _with_derived(recording, derived)
    order = [recording.leads.index(lead) for lead in intake.leads]
    factors = np.array([_factor(intake.units, recording.units[lead]) for lead in order])
    signals = recording.signals[order] * factors[:, None]
    signals = signals[:, : round(intake.seconds * intake.rate)]
    check_signals(signals, intake.leads, intake.rate, intake.min_seconds)
    if intake.processing:
        function, _ = PROCESSINGS[intake.processing]
        return Taken(function(signals, intake.rate), None, derived)
    gains = None if recording.gains is None else recording.gains[order] / factors
    return Taken(signals, gains, derived)


def _derivable(recording: Recording, wanted: tuple[str, ...]) -> tuple[str, ...]:
    if not {"I", "II"} <= set(recording.leads):
        return ()
    return tuple(lead for lead in wanted if lead not in recording.leads and is_derivable(lead))


def _with_derived(recording: Recording, derived: tuple[str, ...]) -> Recording:
    if not derived:
        return recording
    first, second = recording.leads.index("I"), recording.leads.index("II")
    if recording.units[first] != recording.units[second]:
        raise DataError("other unit: I and II differ, so no lead can be derived from them")
    lead_i, lead_ii = recording.signals[first], recording.signals[second]
    computed = [derive_limb_lead(lead, lead_i, lead_ii) for lead in derived]
    gains = recording.gains
    if gains is not None:  # aVR is half a sum of counts: half a count must be a whole one
        gains = np.concatenate([gains, np.full(len(derived), 2 * gains[first])])
    return replace(
        recording,
        signals=np.vstack([recording.signals, *computed]),
        leads=(*recording.leads, *derived),
        units=recording.units + (recording.units[first],) * len(derived),
        gains=gains,
    )


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
