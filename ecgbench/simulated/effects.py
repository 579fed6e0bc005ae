"""What the statements' effects are made of: severity, spread, walls and discordance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgbench.simulated.heart import Heart, Wave, vec

Array = NDArray[np.float64]

#: Changes a heart: the heart, a severity in [0, 1] (subtle to marked), and a generator.
Effect = Callable[[Heart, float, np.random.Generator], Heart]

#: Where in the heart a wall lies, as a direction of the dipole.
WALLS: Mapping[str, Array] = {
    "inferior": vec(0.05, 1.0, 0.05),
    "septal": vec(0.22, 0.05, -0.97),
    "anterior": vec(0.50, 0.0, -0.87),
    "anterolateral": vec(0.82, -0.12, -0.56),
    "lateral": vec(0.93, -0.28, 0.22),
    "inferolateral": vec(0.58, 0.78, 0.22),
}


def mix(low: float, high: float, severity: float) -> float:
    """A value between that of a subtle and that of a marked case."""
    return low + (high - low) * severity


def spread(rng: np.random.Generator, vector: Array, share: float = 0.18) -> Array:
    """The vector with a random share of its length added in a random direction."""
    return np.asarray(vector + rng.normal(0.0, share / 1.7, 3) * np.linalg.norm(vector))


def along(vector: Array, wall: Array) -> float:
    """The part of a vector that points to a wall, in mV; never negative."""
    return max(0.0, float(vector @ wall) / float(np.linalg.norm(wall)))


def size_of(heart: Heart) -> float:
    """The heart's voltage against the average, 1."""
    return float(np.clip(np.linalg.norm(heart.qrs["main"].vector) / 1.35, 0.55, 1.6))


def conduct(
    heart: Heart, waves: dict[str, Wave], size: float, *, duration: float, drawn: float
) -> Heart:
    """Replace the activation by waves drawn for one duration, stretched to another."""
    time = duration / drawn
    qrs = {name: wave.scaled(size, time) for name, wave in waves.items()}
    return replace(heart, qrs=qrs, qrs_duration=duration)


def discordant(heart: Heart, rng: np.random.Generator, *, strength: float) -> Heart:
    """ST and T opposite to the sum of the activation, as after any abnormal conduction."""
    area = np.sum([(w.rise + w.fall) * 12.5 * w.vector for w in heart.qrs.values()], axis=0)
    away = -spread(rng, area, 0.15) * strength
    return replace(
        heart,
        st=heart.st + away * 0.13,
        t=heart.t * max(0.1, 1.0 - 0.8 * strength) + away * 0.40,
        qtc=heart.qtc + 0.02 * strength,
    )
