"""Read, order, check, process and quantise one record for a store."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError
from ecgbench.data.checks.signals import amplitude, check_signals, signal_doubts
from ecgbench.data.leads import canonical_lead, derive_limb_lead, is_derivable
from ecgbench.data.processing import PROCESSINGS
from ecgbench.data.reading.recording import Recording, read_array, read_recording

_UNITS = {
    "mV": {"mv": 1.0, "millivolt": 1.0, "uv": 1e-3, "microvolt": 1e-3, "nv": 1e-6, "v": 1e3}
    | {"μv": 1e-3, "volt": 1e3, "nanovolt": 1e-6},  # Greek mu: NFKC turns the micro sign into it
    "z-score per lead": {"nu": 1.0},
}
_MAX = 32767
_SMALLEST = 1e-12  # a peak below, or above its inverse, does not survive the scale in float32
_RATES = (20.0, 100_000.0)  # Hz; a header that says less or more is wrong

Signals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Intake:
    """The requirements for records of a data set, and how they are stored.

    Attributes:
        leads: Leads to store, in order.
        rate: Sampling rate of the set's files, Hz; a record of another rate is resampled.
        stored_rate: Sampling rate of the store, Hz.
        seconds: Length kept.
        min_seconds: Shortest usable recording.
        units: Unit of the files.
        processing: Name of the processing to apply, or None.
        derive_limb_leads: Compute limb leads that a file lacks.
        lead_names: What the files call a lead -> the lead.
        unit_names: What the files call a unit -> the unit.
    """

    leads: tuple[str, ...]
    rate: float
    stored_rate: float
    seconds: float
    min_seconds: float
    units: str
    processing: str | None
    derive_limb_leads: bool
    lead_names: Mapping[str, str] = field(default_factory=dict)
    unit_names: Mapping[str, str] = field(default_factory=dict)

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
        amplitude: Largest peak-to-peak value of the leads, in ``Intake.units``.
        derived: Leads that were computed from others.
        cut: Whether the file has more than was kept.
        resampled_from: Rate of the file, Hz, where it was another; else None.
        doubts: Why it is doubtful, each a kind, a colon, the details.
    """

    signals: Signals
    gains: Signals | None
    amplitude: float
    derived: tuple[str, ...] = ()
    cut: bool = False
    resampled_from: float | None = None
    doubts: tuple[str, ...] = ()


def take(intake: Intake, record: Path) -> Taken:
    """Read one record into stored units, leads in order, cut to length.

    Args:
        intake: The requirements.
        record: WFDB record without a suffix, or a ``.npy`` file.

    Raises:
        DataError: The record cannot be used. The message is the reason in quarantine.csv.
    """
    recording = _renamed(intake, _read(intake, record))
    other_rate = not math.isclose(recording.rate, intake.rate, rel_tol=1e-6)
    _check_rate(intake, recording.rate, other_rate)
    derived = _derivable(recording, intake.leads) if intake.derive_limb_leads else ()
    _check_leads(recording, intake.leads, derived)
    recording = _with_derived(recording, derived)
    order = [recording.leads.index(lead) for lead in intake.leads]
    factors = np.array([_factor(intake.units, recording.units[lead]) for lead in order])
    signals = recording.signals[order] * factors[:, None]
    kept = round(intake.seconds * recording.rate)
    cut, signals = signals.shape[1] > kept, signals[:, :kept]
    check_signals(signals, intake.leads, recording.rate, intake.min_seconds)
    if not _SMALLEST < amplitude(signals) < 1 / _SMALLEST:
        raise DataError(f"implausible amplitude: {amplitude(signals):.3g} {intake.units}")
    taken = Taken(
        signals,
        None if recording.gains is None else recording.gains[order] / factors,
        amplitude=amplitude(signals),
        derived=derived,
        cut=cut,
        doubts=recording.doubts
        + signal_doubts(signals, intake.leads, recording.rate, intake.units),
    )
    if intake.processing:
        function, _ = PROCESSINGS[intake.processing]
        return replace(taken, signals=function(signals, intake.rate), gains=None)
    if other_rate:
        resampled = _resampled(signals, recording.rate, intake.rate)[:, : intake.samples]
        return replace(taken, signals=resampled, gains=None, resampled_from=recording.rate)
    return taken


def _renamed(intake: Intake, recording: Recording) -> Recording:
    """Apply the entry's own names of leads and units."""
    leads = {plain(canonical_lead(name)): lead for name, lead in intake.lead_names.items()}
    units = {plain(name): unit for name, unit in intake.unit_names.items()}
    return replace(
        recording,
        leads=tuple(canonical_lead(leads.get(plain(name), name)) for name in recording.leads),
        units=tuple(units.get(plain(name), name) for name in recording.units),
    )


def plain(name: str) -> str:
    """A name without case, blanks around it, or one of two signs for mu."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _check_rate(intake: Intake, rate: float, other: bool) -> None:
    low, high = _RATES
    if other and intake.processing:
        raise DataError(f"other rate: {rate:g} Hz, and the processing needs {intake.rate:g}")
    if other and not low <= rate <= high:
        raise DataError(f"other rate: {rate:g} Hz is no rate of an ECG")


def _check_leads(recording: Recording, wanted: tuple[str, ...], derived: tuple[str, ...]) -> None:
    missing = [lead for lead in wanted if lead not in (*recording.leads, *derived)]
    if missing:
        raise DataError(f"lacks a lead: {' '.join(missing)}")
    needed = {*wanted, *(("I", "II") if derived else ())}
    twice = sorted(lead for lead in needed if recording.leads.count(lead) > 1)
    if twice:
        raise DataError(f"ambiguous: {' '.join(twice)} stands in the file twice")


def _resampled(signals: Signals, rate: float, wanted: float) -> Signals:
    from scipy.signal import resample_poly

    ratio = Fraction(wanted / rate).limit_denominator(1000)
    if not ratio:
        raise DataError(f"other rate: {rate:g} Hz cannot become {wanted:g} Hz")
    # the ends follow the line through them: zeros would ring where there is an offset
    made = resample_poly(signals, ratio.numerator, ratio.denominator, axis=1, padtype="line")
    return np.asarray(made, dtype=np.float64)


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
    if record.suffix != ".npy":
        return read_recording(record)
    unit = next(iter(_UNITS[intake.units]))
    recorded = tuple(lead for lead in intake.leads if not is_derivable(lead))
    layouts = (intake.leads, recorded) if intake.derive_limb_leads else (intake.leads,)
    return read_array(record, layouts, intake.rate, unit)


def _factor(units: str, unit: str) -> float:
    word = plain(unit)
    known = _UNITS[units]
    factor = known.get(word, known.get(word.removesuffix("s")))
    if factor is None:
        raise DataError(f"other unit: {unit}, not {units}")
    return factor


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
