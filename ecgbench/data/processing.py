"""Processing that is part of a data set's definition (not a method's input, see signals.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError

Signals: TypeAlias = npt.NDArray[np.float64]


def butterworth_zscore_100hz(signals: Signals, rate: float) -> Signals:
    """Band-pass, scale and resample as ptbxl-mini was made.

    Butterworth of order 4 from 0.5 to 40 Hz, forwards and backwards; z-score of each lead; polyphase
    resampling to 100 Hz.

    Args:
        signals: [leads, samples] at 500 Hz, in mV.
        rate: Must be 500.

    Returns:
        [leads, samples / 5].

    Raises:
        DataError: Another rate: 40 Hz of a 100 Hz file have been filtered before, differently.
    """
    from scipy.signal import butter, filtfilt, resample_poly

    if rate != 500:
        raise DataError(f"needs 500 Hz, not {rate:g}")
    numerator, denominator = butter(4, (0.5, 40.0), btype="bandpass", fs=rate)
    filtered = filtfilt(numerator, denominator, signals, axis=1)
    mean = filtered.mean(axis=1, keepdims=True)
    scaled = (filtered - mean) / filtered.std(axis=1, keepdims=True)
    return np.asarray(resample_poly(scaled, 1, 5, axis=1), dtype=np.float64)


# Name -> (function, rate afterwards).
PROCESSINGS: dict[str, tuple[Callable[[Signals, float], Signals], int]] = {
    "butterworth-0.5-40-zscore-100hz": (butterworth_zscore_100hz, 100),
}
