"""Heart rate, QRS width and amplitudes measured from any 12-lead record, real or simulated.

One estimator for both, so that its own bias cancels when the two are compared.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: The leads whose amplitudes are compared.
AMPLITUDE_LEADS = ("I", "II", "V1", "V2", "V5", "V6")


@dataclass(frozen=True)
class Beats:
    """What is measured in one record.

    Attributes:
        rate: Median heart rate, per minute.
        rr_variation: RMS of successive RR differences over the mean RR.
        qrs_width: Of the median beat, ms.
        amplitudes: QRS peak to peak of the median beat in `AMPLITUDE_LEADS`, mV.
        t_over_qrs: T peak to peak over QRS peak to peak, median over the leads.
    """

    rate: float
    rr_variation: float
    qrs_width: float
    amplitudes: tuple[float, ...]
    t_over_qrs: float


def band_pass(signal: Array, rate: float, low: float, high: float) -> Array:
    """Butterworth of order 4, forwards and backwards, along the last axis."""
    from scipy.signal import butter, filtfilt

    b, a = butter(4, (low, high), btype="bandpass", fs=rate)
    return np.asarray(filtfilt(b, a, signal, axis=-1), dtype=np.float64)


def find_beats(signal: Array, rate: float) -> NDArray[np.int64]:
    """Find the QRS complexes of leads [leads, samples]: peaks of the leads' summed slopes."""
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import find_peaks

    steep = band_pass(signal, rate, 5.0, 25.0)
    steep = steep / (np.std(steep, axis=1, keepdims=True) + 1e-9)
    energy = np.sqrt((np.gradient(steep, axis=1) ** 2).sum(axis=0))
    energy = uniform_filter1d(energy, max(1, round(0.09 * rate)))
    level = 0.38 * float(np.percentile(energy, 98))
    peaks, _ = find_peaks(energy, height=level, distance=round(0.27 * rate))
    return np.asarray(peaks, dtype=np.int64)


def measure(signal: Array, rate: float, leads: tuple[str, ...]) -> Beats | None:
    """Measure one record.

    Args:
        signal: Leads [leads, samples] in mV.
        rate: Samples per second.
        leads: Names, in upper case.

    Returns:
        The measures, or None where fewer than three beats are found.
    """
    clean = band_pass(signal, rate, 0.5, min(40.0, 0.45 * rate))
    peaks = find_beats(clean, rate)
    before, after = round(0.15 * rate), round(0.45 * rate)
    inside = peaks[(peaks >= before) & (peaks < signal.shape[1] - after)]
    if len(inside) < 3:
        return None
    rr = np.diff(peaks) / rate
    beat = np.median([clean[:, p - before : p + after] for p in inside], axis=0)
    first, last = _qrs_bounds(beat, rate, before)
    rows = [leads.index(lead) for lead in AMPLITUDE_LEADS]
    qrs = np.ptp(beat[:, first:last], axis=1)
    t = np.ptp(beat[:, last + round(0.06 * rate) :], axis=1)
    return Beats(
        rate=60.0 / float(np.median(rr)),
        rr_variation=float(np.sqrt(np.mean(np.diff(rr) ** 2)) / rr.mean()) if len(rr) > 1 else 0.0,
        qrs_width=(last - first) / rate * 1e3,
        amplitudes=tuple(float(v) for v in qrs[rows]),
        t_over_qrs=float(np.median(t / (qrs + 1e-9))),
    )


def _qrs_bounds(beat: Array, rate: float, centre: int) -> tuple[int, int]:
    """Onset and end of QRS in a median beat [leads, samples], by the leads' summed slope."""
    slope = np.sqrt((np.gradient(beat, axis=1) ** 2).sum(axis=0))
    window = slice(max(0, centre - round(0.09 * rate)), centre + round(0.12 * rate))
    peak = window.start + int(np.argmax(slope[window]))
    quiet = slope < 0.12 * slope[peak]
    run = max(1, round(0.012 * rate))
    first, last = peak, peak
    while first > run and not quiet[first - run : first].all():
        first -= 1
    while last < len(quiet) - run and not quiet[last : last + run].all():
        last += 1
    return first, last


def measure_folder(pattern_root: Path, limit: int = 400) -> NDArray[np.float64]:
    """Measure up to `limit` of the WFDB records under a folder, spread over it.

    Returns:
        One row a record: rate, variation, QRS width, amplitudes, T over QRS.
    """
    import wfdb

    headers = sorted(pattern_root.rglob("*.hea"))
    rows: list[list[float]] = []
    for header in headers[:: max(1, len(headers) // limit)]:
        record = wfdb.rdrecord(str(header.with_suffix("")))
        leads = tuple(name.upper() for name in record.sig_name)
        signal = np.nan_to_num(np.asarray(record.p_signal, dtype=np.float64).T)
        found = measure(signal[:, : round(10 * record.fs)], float(record.fs), leads)
        if found is not None:
            rate, variation, width, amplitudes, t = astuple(found)
            rows.append([rate, variation, width, *amplitudes, t])
    return np.array(rows)


def names() -> list[str]:
    """The names of the columns of `measure_folder`, with units."""
    assert [f.name for f in fields(Beats)][3] == "amplitudes"
    leads = [f"QRS p-p {lead} (mV)" for lead in AMPLITUDE_LEADS]
    return ["heart rate (/min)", "RMSSD / RR", "QRS width (ms)", *leads, "T / QRS p-p"]
