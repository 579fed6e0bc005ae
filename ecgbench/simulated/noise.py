"""Noise of the electrodes: wander, muscle, mains, motion and loose contacts.

Noise is added to the nine electrodes' potentials, never to leads, so that it spreads over the
leads as it does in a patient and Einthoven's identities survive it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ecgbench.simulated.geometry import ELECTRODES
from ecgbench.simulated.rhythm import Breathing

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """Noise amplitudes of a record, as standard deviations in mV.

    Attributes:
        wander: Slow drift of the electrodes.
        muscle: Broad-band muscle noise.
        mains: Residual 50 Hz.
        motion: Bursts of electrode motion as (electrode, start in s, length in s, mV).
        pops: Steps of a loose contact as (electrode, time in s, mV).
    """

    wander: float
    muscle: float
    mains: float
    motion: tuple[tuple[int, float, float, float], ...] = field(default=())
    pops: tuple[tuple[int, float, float], ...] = field(default=())


def draw_noise(rng: np.random.Generator, clean: bool, seconds: float) -> Noise:
    """Draw the noise of a record.

    Args:
        rng: The record's generator.
        clean: Folds 9 and 10 hold the better recordings, as in PTB-XL.
        seconds: Length of the record.
    """
    scale = 0.85 if clean else 1.0
    motion, pops = [], []
    for _ in range(int(rng.poisson(0.12 if clean else 0.30))):
        length = float(rng.uniform(0.3, 1.6))
        start = float(rng.uniform(0, seconds - length))
        motion.append((int(rng.integers(9)), start, length, float(rng.gamma(2.0, 0.08))))
    if rng.random() < (0.01 if clean else 0.04):
        sign = float(rng.choice([-1.0, 1.0]))
        pops.append((int(rng.integers(9)), float(rng.uniform(0, seconds)), 0.8 * sign))
    return Noise(
        wander=scale * float(np.exp(rng.normal(np.log(0.035), 0.7))),
        muscle=scale * float(np.exp(rng.normal(np.log(0.011), 0.65))),
        mains=scale * float(np.exp(rng.normal(np.log(0.002), 0.8))),
        motion=tuple(motion),
        pops=tuple(pops),
    )


def electrode_noise(
    noise: Noise, time: Array, breathing: Breathing, rng: np.random.Generator
) -> Array:
    """The noise of each electrode [9, samples] in mV at times [samples] in seconds."""
    count = len(ELECTRODES)
    out = _wander(noise.wander, time, breathing, rng)
    white = rng.standard_normal((count, len(time) + 1))
    # A first difference tilts white noise towards the high frequencies that muscle has.
    rough = 0.75 * white[:, 1:] - 0.35 * white[:, :-1]
    envelope = 1.0 + 0.4 * np.sin(
        2 * np.pi * float(rng.uniform(0.05, 0.4)) * time + rng.uniform(0, 6)
    )
    level = noise.muscle * np.exp(rng.normal(0.0, 0.35, (count, 1)))
    out += level * envelope * rough
    phase = 2 * np.pi * 50.0 * time
    out += noise.mains * np.exp(rng.normal(0, 0.7, (count, 1))) * np.sin(phase + rng.uniform(0, 6))
    for electrode, start, length, size in noise.motion:
        out[electrode] += _burst(time, start, length, size, rng)
    for electrode, at, size in noise.pops:
        after = np.clip(time - at, 0.0, None)
        out[electrode] += np.where(time >= at, size * np.exp(-after / 0.35), 0.0)
    return out


def _wander(size: float, time: Array, breathing: Breathing, rng: np.random.Generator) -> Array:
    """Drift: random slow sinusoids, 1/f in size, and the chest's own breathing."""
    count = len(ELECTRODES)
    hz = np.array([0.06, 0.11, 0.17, 0.26, 0.38, 0.55])
    angle = 2 * np.pi * hz[:, None] * time
    basis = np.vstack([np.sin(angle), np.cos(angle)]) * np.tile(0.12 / hz, 2)[:, None]
    drift = rng.normal(0.0, 0.6, (count, len(basis))) @ basis
    breath = np.abs(rng.normal(0.0, 0.8, (count, 1))) * breathing.at(time)
    return np.asarray(size * (drift + breath), dtype=np.float64)


def _burst(
    time: Array, start: float, length: float, size: float, rng: np.random.Generator
) -> Array:
    """Motion of one electrode: a few sinusoids of 1 to 9 Hz under a smooth window."""
    inside = np.clip((time - start) / length, 0.0, 1.0)
    window = np.sin(np.pi * inside) ** 2
    hz = rng.uniform(1.0, 9.0, 5)
    phases = rng.uniform(0.0, 6.28, 5)
    waves = np.sin(2 * np.pi * hz[:, None] * time + phases[:, None]) / np.sqrt(hz)[:, None]
    return np.asarray(size * window * waves.sum(axis=0))
