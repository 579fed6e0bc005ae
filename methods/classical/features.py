"""Classical measurements of one 12-lead ECG: rhythm, and the median beat of every lead.

R peaks are detected by wfdb's XQRS on lead II, or on another lead if this fails. Beats are aligned at
the R peaks, and the median beat of each lead is measured in fixed windows. Every feature has a name, so
that the weights of a linear probe can be interpreted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BEFORE, AFTER = 0.30, 0.50  # seconds of a beat around its R peak
SEARCH_LEADS = ("II", "V5", "I", "V2")

# Windows of the median beat in seconds from the R peak.
WINDOWS = {"p": (-0.25, -0.08), "q": (-0.06, 0.0), "r": (-0.05, 0.05), "s": (0.0, 0.08)}
ST = (0.08, 0.14)
T_WAVE = (0.14, 0.44)
BASELINE = (-0.09, -0.06)  # the PR segment

RHYTHM = (
    "rate",
    "rr_sd",
    "rr_rmssd",
    "rr_jump",
    "rr_shortest",
    "rr_longest",
    "beats",
    "beat_spread",
)
PER_LEAD = ("p", "q", "r", "s", "qrs_area", "st", "st_slope", "t", "t_low", "fuzz")
GLOBAL = ("qrs_width", "t_peak_time", "p_time", "axis_sin", "axis_cos", "t_axis_sin", "t_axis_cos")


def feature_names(leads: Sequence[str]) -> list[str]:
    """The feature names, in the order of :func:`measure`."""
    per_lead = [f"{name}_{lead}" for lead in leads for name in PER_LEAD]
    return [*RHYTHM, *GLOBAL, *per_lead]


def measure(ecg: Array, rate: float, leads: Sequence[str]) -> Array:
    """Measure one ECG.

    Args:
        ecg: ``[leads, samples]``.
        rate: Samples per second.
        leads: Names of the rows.

    Returns:
        ``[features]``, finite; zero if a feature cannot be measured (no beats).
    """
    peaks = find_beats(ecg, rate, leads)
    whole = round(BEFORE * rate), round(AFTER * rate)
    inside = peaks[(peaks >= whole[0]) & (peaks + whole[1] <= ecg.shape[1])]
    if len(inside) == 0:
        return np.zeros(len(feature_names(leads)))
    beats = np.stack([ecg[:, peak - whole[0] : peak + whole[1]] for peak in inside])
    median = np.median(beats, axis=0)
    median = median - _window(median, BASELINE, rate).mean(1, keepdims=True)
    spread = float(np.abs(beats - np.median(beats, axis=0)).mean() / (ecg.std() + 1e-6))
    vector = np.concatenate(
        [_rhythm(peaks / rate, spread), _global(median, rate, leads), _per_lead(median, ecg, rate)]
    )
    finite: Array = np.nan_to_num(vector, posinf=0.0, neginf=0.0)
    return finite


def find_beats(ecg: Array, rate: float, leads: Sequence[str]) -> NDArray[np.int64]:
    """R peaks in samples, from the first of the usual leads with at least three."""
    from wfdb.processing import xqrs_detect

    best = np.zeros(0, np.int64)
    for name in SEARCH_LEADS:
        if name not in leads:
            continue
        signal = ecg[list(leads).index(name)]
        if signal.std() < 1e-6:
            continue
        found = np.asarray(xqrs_detect(signal / signal.std(), fs=rate, verbose=False), np.int64)
        if len(found) > len(best):
            best = found
        if len(best) >= 3:
            break
    return _centre(ecg, best, rate)


def _centre(ecg: Array, peaks: NDArray[np.int64], rate: float) -> NDArray[np.int64]:
    """Move each peak to the largest change over all leads within 60 ms."""
    speed = np.abs(ecg).sum(0)
    reach = max(1, round(0.06 * rate))
    moved = [
        max(0, peak - reach) + int(np.argmax(speed[max(0, peak - reach) : peak + reach + 1]))
        for peak in peaks
    ]
    return np.unique(np.asarray(moved, np.int64))


def _rhythm(times: Array, spread: float) -> Array:
    intervals = np.diff(times)
    if len(intervals) < 2:
        return np.array([0.0, 0, 0, 0, 0, 0, len(times), spread])
    change = np.diff(intervals)
    mean = intervals.mean()
    return np.array(
        [
            60 / mean,
            intervals.std() / mean,
            np.sqrt((change**2).mean()) / mean,
            (np.abs(change) > 0.05).mean(),
            intervals.min() / mean,
            intervals.max() / mean,
            len(times),
            spread,
        ]
    )


def _global(median: Array, rate: float, leads: Sequence[str]) -> Array:
    strength = np.sqrt((np.gradient(median, axis=1) ** 2).sum(0))
    centre = round(BEFORE * rate)
    near = slice(max(0, centre - round(0.12 * rate)), centre + round(0.14 * rate))
    quick = np.flatnonzero(strength[near] > 0.15 * strength[near].max())
    width = (quick[-1] - quick[0]) / rate if len(quick) else 0.0
    energy = np.abs(median).sum(0)
    t_time = _window(energy[None], T_WAVE, rate)[0].argmax() / rate + T_WAVE[0]
    p_time = _window(energy[None], WINDOWS["p"], rate)[0].argmax() / rate + WINDOWS["p"][0]
    angles = [_axis(median, window, rate, leads) for window in (WINDOWS["r"], T_WAVE)]
    turned = [part for angle in angles for part in (np.sin(angle), np.cos(angle))]
    return np.array([width, t_time, p_time, *turned])


def _axis(median: Array, window: tuple[float, float], rate: float, leads: Sequence[str]) -> float:
    """The frontal axis of a wave, from its areas in I and aVF, in radians."""
    if "I" not in leads or "aVF" not in leads:
        return 0.0
    one, avf = (_window(median, window, rate)[list(leads).index(n)].sum() for n in ("I", "aVF"))
    return float(np.arctan2(avf, one))


def _per_lead(median: Array, ecg: Array, rate: float) -> Array:
    p, q, r, s = (_window(median, WINDOWS[name], rate) for name in ("p", "q", "r", "s"))
    st, t = _window(median, ST, rate), _window(median, T_WAVE, rate)
    columns = [
        p.max(1),
        q.min(1),
        r.max(1),
        s.min(1),
        r.mean(1),
        st.mean(1),
        st[:, -1] - st[:, 0],
        t.max(1),
        t.min(1),
        np.abs(np.diff(ecg, 2, axis=1)).mean(1),
    ]
    return np.stack(columns, axis=1).ravel()


def _window(median: Array, window: tuple[float, float], rate: float) -> Array:
    start = round((BEFORE + window[0]) * rate)
    stop = max(start + 1, round((BEFORE + window[1]) * rate))
    return median[:, start:stop]
