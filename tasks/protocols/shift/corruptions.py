"""Graded corruptions of recordings: noise, wrong gain, an early end, lost leads.

Each corruption is a :class:`ecgbench.data.signals.Transform` of raw records. It comes before a method's own
band-pass and scaling. Amounts are physical (a signal-to-noise ratio, a share) and relative to the amplitude
of each record, so they mean the same for millivolts and for scaled signals. The noise is synthetic. Its kinds
and the steps of the ratios follow the noise stress test (Moody, Muldrow and Mark, Computers in Cardiology 11,
1984, whose recordings are the MIT-BIH Noise Stress Test Database). The spectra are our own (docs/shift.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import DataError
from ecgbench.data.leads import LEADS
from ecgbench.data.signals import Transform

from .settings import MemorisationSettings, NoiseKind, ShiftSettings

Values = NDArray[np.float64]
Float32 = NDArray[np.float32]

VERSION = 1  # raised when the effect of an amount changes: part of the address of features
BAND = (0.67, 40.0)  # Hz, the band of a record's power, without drift and offset
MAINS = 50.0  # Hz

# Electrodes RA, LA, LL, V1-V6 -> leads, in the order of LEADS: Einthoven, Goldberger, Wilson.
_LIMB = [
    [-1, 1, 0],
    [-1, 0, 1],
    [0, -1, 1],
    [1, -1 / 2, -1 / 2],
    [-1 / 2, 1, -1 / 2],
    [-1 / 2, -1 / 2, 1],
]
_TO_LEADS: Values = np.block(
    [[np.array(_LIMB), np.zeros((6, 6))], [np.full((6, 3), -1 / 3), np.eye(6)]]
)
_ELECTRODES = _TO_LEADS.shape[1]


def _coloured(
    rng: np.random.Generator,
    shape: tuple[int, int],
    rate: float,
    band: tuple[float, float],
    slope: float,
) -> Values:
    """Gaussian noise [channels, samples] whose amplitude falls as frequency ** -slope in a band."""
    channels, samples = shape
    span = samples + round(rate / band[0])  # longer than a record, because the noise is periodic
    hertz = np.fft.rfftfreq(span, 1 / rate)
    inside = (hertz >= band[0]) & (hertz <= band[1])
    if not inside.any():
        raise DataError(f"Signals at {rate:g} Hz hold no noise of {band[0]:g}-{band[1]:g} Hz.")
    weight = np.where(inside, np.where(hertz > 0, hertz, 1.0) ** -slope, 0.0)
    spectrum = rng.standard_normal((channels, len(hertz), 2)) @ np.array([1.0, 1.0j])
    return np.asarray(np.fft.irfft(weight * spectrum, span)[:, :samples], np.float64)


def _wander(rng: np.random.Generator, samples: int, rate: float) -> Values:
    """Breathing and slow drift of every electrode; power falls with the square of the frequency."""
    return _coloured(rng, (_ELECTRODES, samples), rate, (0.05, 1.0), 1.0)


def _muscle(rng: np.random.Generator, samples: int, rate: float) -> Values:
    """Muscle noise at every electrode: flat, up to the highest frequency of a record at 100 Hz."""
    return _coloured(rng, (_ELECTRODES, samples), rate, (10.0, 45.0), 0.0)


def _motion(rng: np.random.Generator, samples: int, rate: float) -> Values:
    """Motion of one electrode after the other, up to a second each, at the frequencies of QRS and T."""
    noise = np.zeros((_ELECTRODES, samples))
    for _ in range(max(1, round(samples / rate / 2.5))):
        length = min(samples, max(2, round(rate * rng.uniform(0.4, 1.0))))
        start = int(rng.integers(samples - length + 1))
        burst = _coloured(rng, (1, length), rate, (1.0, 10.0), 1.0)[0]
        window = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
        noise[rng.integers(_ELECTRODES), start : start + length] += burst * window / burst.std()
    return noise


def _mains(rng: np.random.Generator, samples: int, rate: float) -> Values:
    """Mains noise with a size and phase of its own at every electrode; no harmonics."""
    if rate < 2 * MAINS:
        raise DataError(f"Signals at {rate:g} Hz hold no power line noise of {MAINS:g} Hz.")
    phase = rng.uniform(0, 2 * np.pi, (_ELECTRODES, 1))
    size = np.exp(rng.normal(0, 0.5, (_ELECTRODES, 1)))
    return np.asarray(size * np.sin(2 * np.pi * MAINS / rate * np.arange(samples) + phase))


NOISES: Mapping[NoiseKind, Callable[[np.random.Generator, int, float], Values]] = {
    "baseline-wander": _wander,
    "muscle-noise": _muscle,
    "electrode-motion": _motion,
    "power-line": _mains,
}


@dataclass(frozen=True)
class ElectrodeNoise:
    """Noise at the electrodes, added to the leads through the electrodes; keeps Einthoven's identities.

    Attributes:
        kind: A key of :data:`NOISES`.
        snr_db: Power of the record between 0.67 and 40 Hz over that of all noise, both means over the
            twelve leads, in dB.
    """

    kind: NoiseKind
    snr_db: float

    @property
    def name(self) -> str:
        """Name of the transform."""
        return self.kind

    @property
    def params(self) -> dict[str, Any]:
        """Its identity."""
        return {"snr_db": float(self.snr_db), "version": VERSION}

    def __call__(self, signals: Float32, rate: float, rng: np.random.Generator) -> Float32:
        """Add noise to ``[n, 12, samples]``; a record without amplitude does not change."""
        changed = _twelve_leads(signals).astype(np.float64)
        for record in changed:
            noise = _TO_LEADS @ NOISES[self.kind](rng, record.shape[1], rate)
            noise -= noise.mean(axis=1, keepdims=True)
            wanted = power_of(record, rate) / 10 ** (self.snr_db / 10)
            record += noise * np.sqrt(wanted / max(float((noise**2).mean()), 1e-300))
        return changed.astype(np.float32)


@dataclass(frozen=True)
class Gain:
    """A wrong gain: half of the leads are too high by a share, the other half too low.

    Attributes:
        error: The share, e.g. 0.2 for 20 %.
    """

    error: float
    name = "gain"

    @property
    def params(self) -> dict[str, Any]:
        """Its identity."""
        return {"error": float(self.error), "version": VERSION}

    def __call__(self, signals: Float32, rate: float, rng: np.random.Generator) -> Float32:
        """Scale each lead of ``[n, leads, samples]``."""
        signs = np.where(np.arange(signals.shape[1]) % 2, 1.0, -1.0)
        factors = np.stack([1 + self.error * rng.permutation(signs) for _ in signals])
        return (signals * factors[:, :, None]).astype(np.float32)


@dataclass(frozen=True)
class TimeCrop:
    """A recording that ends early; after the end each lead is constant at its median.

    Attributes:
        lost: Share of the record that is lost at the end.
    """

    lost: float
    name = "time-crop"

    @property
    def params(self) -> dict[str, Any]:
        """Its identity."""
        return {"lost": float(self.lost), "version": VERSION}

    def __call__(self, signals: Float32, rate: float, rng: np.random.Generator) -> Float32:
        """Replace the end of ``[n, leads, samples]``."""
        changed = signals.copy()
        kept = round((1 - self.lost) * signals.shape[2])
        changed[:, :, kept:] = np.median(signals, axis=2, keepdims=True)
        return changed


@dataclass(frozen=True)
class LeadLoss:
    """Lost leads: they are zero and are not derived from the other leads.

    Attributes:
        kept: Names of the leads that are recorded.
    """

    kept: tuple[str, ...]
    name = "lead-loss"

    @property
    def params(self) -> dict[str, Any]:
        """Its identity."""
        return {"kept": list(self.kept), "version": VERSION}

    def __call__(self, signals: Float32, rate: float, rng: np.random.Generator) -> Float32:
        """Set the other leads of ``[n, 12, samples]`` to zero."""
        changed = _twelve_leads(signals).copy()
        changed[:, [lead not in self.kept for lead in LEADS]] = 0
        return changed


@dataclass(frozen=True)
class SecondRecording:
    """The same heart beats in another recording, which a memory of signals does not recognise.

    The recording begins part of a beat later (its end is constant at each lead's median). Its gain is wrong
    by a few per cent. It has white noise of about a recorder's resolution.

    Attributes:
        later: Largest loss at the beginning in seconds. Each record loses between a third of it and all.
        gain_error: Largest relative error of the gain, the same for all leads. Each record has between half
            of it and all of it, up or down.
        noise: SD of the noise, relative to the root mean square of the record between 0.67 and 40 Hz.
    """

    later: float
    gain_error: float
    noise: float
    name = "second-recording"

    @property
    def params(self) -> dict[str, Any]:
        """Its identity."""
        amounts = {"later": self.later, "gain_error": self.gain_error, "noise": self.noise}
        return {**amounts, "version": VERSION}

    def __call__(self, signals: Float32, rate: float, rng: np.random.Generator) -> Float32:
        """Simulate a second recording of ``[n, leads, samples]``."""
        changed = np.empty(signals.shape, np.float64)
        for record, again in zip(signals.astype(np.float64), changed, strict=True):
            lost = max(1, round(rate * self.later * rng.uniform(1 / 3, 1)))
            factor = 1 + self.gain_error * rng.uniform(1 / 2, 1) * rng.choice([-1, 1])
            again[:] = np.median(record, axis=1, keepdims=True)
            again[:, :-lost] = record[:, lost:]
            size = self.noise * np.sqrt(power_of(record, rate))
            again += size * rng.standard_normal(record.shape)
            again *= factor
        return changed.astype(np.float32)


def transform_of(settings: ShiftSettings) -> Transform | None:
    """The transform of a variant's settings; None for unchanged signals."""
    if isinstance(settings, MemorisationSettings):
        later, gain, noise = settings.later, settings.gain_off, settings.white_noise
        if later is None or gain is None or noise is None:
            return None
        return SecondRecording(later, gain, noise)
    if settings.noise is not None and settings.snr_db is not None:
        return ElectrodeNoise(settings.noise, settings.snr_db)
    if settings.gain_error is not None:
        return Gain(settings.gain_error)
    if settings.lost is not None:
        return TimeCrop(settings.lost)
    if settings.leads is not None:
        return LeadLoss(settings.leads)
    return None


def power_of(record: Values, rate: float) -> float:
    """Mean over the leads [leads, samples] of the detrended power between 0.67 and 40 Hz."""
    from scipy.signal import detrend

    samples = record.shape[1]
    spectrum = np.abs(np.fft.rfft(detrend(record, axis=1))) ** 2
    hertz = np.fft.rfftfreq(samples, 1 / rate)
    inside = spectrum[:, (hertz >= BAND[0]) & (hertz <= BAND[1])]
    return float(2 * inside.sum(axis=1).mean() / samples**2)


def _twelve_leads(signals: Float32) -> Float32:
    if signals.shape[1] != len(LEADS):
        raise DataError(f"{signals.shape[1]} leads are not the twelve of {', '.join(LEADS)}.")
    return signals
