"""One record: from findings and a patient to twelve leads in mV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbench.simulated.geometry import Anatomy, to_electrodes, to_leads
from ecgbench.simulated.heart import Heart, Wave, repolarisation
from ecgbench.simulated.noise import Noise, electrode_noise
from ecgbench.simulated.rhythm import (
    Beat,
    Breathing,
    atrial_waves,
    beats,
    ectopic_p,
    paced_waves,
    ventricular_waves,
)

Array = NDArray[np.float64]

#: The model runs at this rate, Hz, and is then brought to the file's.
MODEL_RATE = 500


@dataclass(frozen=True)
class Measures:
    """What a machine would print on the record.

    Attributes:
        rate: Beats per minute.
        pr: Seconds; 0 where no P is conducted.
        qrs: Duration in seconds.
        qtc: Seconds.
        axis: Of QRS in the frontal plane, degrees.
    """

    rate: float
    pr: float
    qrs: float
    qtc: float
    axis: float


def measure(heart: Heart, anatomy: Anatomy, train: Sequence[Beat], seconds: float) -> Measures:
    """Measure a record from what it is made of."""
    inside = [beat for beat in train if 0.0 <= beat.time < seconds]
    rate = 60.0 / float(np.mean([beat.rr for beat in inside])) if inside else 0.0
    area = np.sum([w.vector * (w.rise + w.fall) for w in heart.qrs.values()], axis=0)
    one, two = (anatomy.projection @ area)[:2]
    foot = (2.0 * two - one) / np.sqrt(3.0)
    conducted = any(beat.p == "sinus" and beat.origin == "conducted" for beat in inside)
    return Measures(
        rate=rate,
        pr=heart.pr if conducted else 0.0,
        qrs=heart.qrs_duration,
        qtc=heart.qtc,
        axis=float(np.rad2deg(np.arctan2(foot, one))),
    )


def add_waves(dipole: Array, onset: float, waves: Sequence[Wave], start: float) -> None:
    """Add waves, timed from `onset`, to a dipole [3, samples] whose first sample is at `start`."""
    at = np.array([wave.at for wave in waves]) + (onset - start)
    rise = np.array([wave.rise for wave in waves])
    fall = np.array([wave.fall for wave in waves])
    first = max(0, int((float((at - 4 * rise).min())) * MODEL_RATE))
    last = min(dipole.shape[1], int((float((at + 4 * fall).max())) * MODEL_RATE) + 1)
    if first >= last:
        return
    delta = np.arange(first, last) / MODEL_RATE - at[:, None]
    width = np.where(delta < 0.0, rise[:, None], fall[:, None])
    shapes = np.exp(-0.5 * (delta / width) ** 2)
    dipole[:, first:last] += np.array([wave.vector for wave in waves]).T @ shapes


def dipole_of(
    heart: Heart,
    findings: Mapping[str, float],
    seconds: float,
    breathing: Breathing,
    rng: np.random.Generator,
) -> tuple[Array, list[Beat]]:
    """The moving dipole [3, samples] at `MODEL_RATE` in mV, and the beats that it is made of."""
    time = np.arange(round(seconds * MODEL_RATE)) / MODEL_RATE
    flutter = float(rng.uniform(245.0, 330.0)) / 60.0
    train = beats(findings, seconds, breathing, flutter, rng)
    foreign, _ = ventricular_waves(rng)
    paced, _ = paced_waves(rng)
    early_p = ectopic_p(rng)
    dipole = np.zeros((3, len(time)))
    for beat in train:
        gain = 1.0 + 0.05 * float(breathing.at(beat.time)) + 0.012 * float(rng.normal())
        if beat.origin == "ventricular":
            waves = foreign
        elif beat.origin == "paced":
            waves = paced
        else:
            waves = [*heart.qrs.values(), *repolarisation(heart, beat.rr)]
        add_waves(dipole, beat.time, [wave.scaled(gain) for wave in waves], 0.0)
        if beat.p != "none":
            if "SVARR" in findings and rng.random() < 0.35:
                early_p = ectopic_p(rng)
            p = heart.p if beat.p == "sinus" else early_p
            add_waves(dipole, beat.time - heart.pr, p, 0.0)
    return dipole + atrial_waves(findings, time, flutter, rng), train


def record(
    heart: Heart,
    anatomy: Anatomy,
    findings: Mapping[str, float],
    noise: Noise,
    rng: np.random.Generator,
    seconds: float = 10.0,
    rate: int = 100,
) -> tuple[Array, Measures]:
    """Simulate one record.

    Args:
        heart: The patient's heart with the findings' effects applied.
        anatomy: The patient's chest.
        findings: Severity by statement, for the rhythm.
        noise: What the electrodes add.
        rng: The record's generator.
        seconds: Length.
        rate: Samples per second: a divisor of 500.

    Returns:
        Leads [12, samples] in mV, in `FILE_LEADS` order, and what a machine would measure.
    """
    breathing = Breathing(float(rng.uniform(0.18, 0.34)), float(rng.uniform(0, 2 * np.pi)))
    dipole, train = dipole_of(heart, findings, seconds, breathing, rng)
    time = np.arange(dipole.shape[1]) / MODEL_RATE
    sway = 1.0 + 0.02 * breathing.at(time)
    electrodes = to_electrodes(anatomy.projection @ (dipole * sway))
    electrodes += electrode_noise(noise, time, breathing, rng)
    return to_leads(decimate(electrodes, rate)), measure(heart, anatomy, train, seconds)


def decimate(signals: Array, rate: int) -> Array:
    """Bring signals [n, samples] from `MODEL_RATE` to `rate`, filtered against aliasing."""
    if rate == MODEL_RATE:
        return signals
    from scipy.signal import resample_poly

    return np.asarray(
        resample_poly(signals, rate, MODEL_RATE, axis=1, padtype="line"), dtype=np.float64
    )
