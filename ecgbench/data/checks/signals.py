"""Checks of one record: what is unusable, and what is usable but doubtful."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError
from ecgbench.data.leads import LEADS, derive_limb_lead, is_derivable

Signals = npt.NDArray[np.float64]

# Largest peak-to-peak value of a record's leads, by unit. Real records at hand: 0.8 to 20.5 mV, and 5.7
# to 24 standard deviations; the bounds leave a factor of two and more.
PLAUSIBLE = {"mV": (0.1, 50.0), "z-score per lead": (1.0, 400.0)}
# RMS error of the limb leads' identities, in shares of the largest limb lead. Real records: up to 0.02.
LIMB_TOLERANCE = 0.1
_AT_THE_RAIL = 0.2  # seconds; real records stay at their extreme for 0.11 s at most
_PADDING = 0.5  # seconds of a constant in all leads; real records: 0.11


def check_signals(
    signals: Signals, leads: tuple[str, ...], rate: float, min_seconds: float
) -> None:
    """Refuse a recording that cannot be used.

    Args:
        signals: [leads, samples].
        leads: Names.
        rate: Hz.
        min_seconds: Shortest usable recording.

    Raises:
        DataError: Too short, not finite, or a lead that never moves (no electrode).
    """
    seconds = signals.shape[1] / rate
    if seconds < min_seconds or signals.shape[1] == 0:
        raise DataError(f"too short: {seconds:g} s, at least {min_seconds:g}")
    broken = [lead for lead, row in zip(leads, signals, strict=True) if not np.isfinite(row).all()]
    if broken:
        raise DataError(f"not finite: {' '.join(broken)}")
    flat = [lead for lead, row in zip(leads, signals, strict=True) if np.ptp(row) == 0]
    if flat:
        raise DataError(f"flat: {' '.join(flat)}")
    recorded = seconds - _padded(signals) / rate
    if recorded < min_seconds:
        raise DataError(f"too short: {recorded:g} s beside padding, at least {min_seconds:g}")


def signal_doubts(
    signals: Signals, leads: tuple[str, ...], rate: float, units: str
) -> tuple[str, ...]:
    """Why a usable recording is doubtful; each reason is a kind, a colon, the details.

    Args:
        signals: [leads, samples] in ``units``, as checked by :func:`check_signals`.
        leads: Names.
        rate: Hz.
        units: ``mV`` or ``z-score per lead``.
    """
    doubts = []
    low, high = PLAUSIBLE[units]
    largest = amplitude(signals)
    if not low <= largest <= high:
        doubts.append(f"implausible amplitude: {largest:.3g} {units} peak to peak")
    padded = _padded(signals) / rate
    if padded >= _PADDING:
        doubts.append(f"padding: {padded:g} s of a constant at an end")
    saturated = [
        lead
        for lead, row in zip(leads, signals, strict=True)
        if _longest_at_extreme(row) >= max(2, _AT_THE_RAIL * rate)
    ]
    if saturated:
        doubts.append(f"saturated: {' '.join(saturated)}")
    seen: dict[bytes, str] = {}
    for lead, row in zip(leads, signals, strict=True):
        other = seen.setdefault(row.tobytes(), lead)
        if other != lead:
            doubts.append(f"equal leads: {other} {lead}")
    wrong = _broken_identities(signals, leads) if units == "mV" else []
    if wrong:
        doubts.append(f"limb leads: {' '.join(wrong)} do not follow from I and II")
    return tuple(doubts)


def amplitude(signals: Signals) -> float:
    """The largest peak-to-peak value of a record's leads."""
    return float(np.ptp(signals, axis=1).max())


def _padded(signals: Signals) -> int:
    """Samples at one end, the longer, in which no lead moves."""
    moving = np.flatnonzero((np.diff(signals, axis=1) != 0).any(axis=0))
    if not len(moving):
        return int(signals.shape[1])
    # a constant of n samples has n - 1 differences of zero
    ends = int(moving[0]), signals.shape[1] - 2 - int(moving[-1])
    return max(end + 1 if end else 0 for end in ends)


def _longest_at_extreme(row: npt.NDArray[np.float64]) -> int:
    runs = [0]
    for extreme in (row.max(), row.min()):
        at = np.concatenate([[False], row == extreme, [False]])
        edges = np.flatnonzero(np.diff(at))
        runs.append(int((edges[1::2] - edges[::2]).max()))
    return max(runs)


def _broken_identities(signals: Signals, leads: tuple[str, ...]) -> list[str]:
    """Limb leads that Einthoven's and Goldberger's identities do not give, by more than noise."""
    place = {lead: row for row, lead in enumerate(leads)}
    if "I" not in place or "II" not in place:
        return []
    centred = {
        lead: signals[place[lead]] - signals[place[lead]].mean()
        for lead in LEADS[:6]
        if lead in place
    }
    scale = max(float(np.sqrt((row**2).mean())) for row in centred.values())
    wrong = []
    for lead, row in centred.items():
        if not is_derivable(lead):
            continue
        error = row - derive_limb_lead(lead, centred["I"], centred["II"])
        if np.sqrt((error**2).mean()) > LIMB_TOLERANCE * scale:
            wrong.append(lead)
    return wrong
