"""What one heart does in one beat: vectors of P, QRS, ST and T, and their timing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def vec(x: float, y: float, z: float) -> Array:
    """A dipole in mV: x to the left, y to the feet, z to the back."""
    return np.array([x, y, z], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Wave:
    """A Gaussian in time that moves the dipole along one vector.

    Attributes:
        at: Its peak in seconds; from the onset of P for P waves, of QRS for all others.
        rise: Standard deviation before the peak, in seconds.
        fall: Standard deviation after the peak, in seconds.
        vector: The dipole at the peak, [3], mV.
    """

    at: float
    rise: float
    fall: float
    vector: Array

    def scaled(self, amplitude: float = 1.0, time: float = 1.0) -> Wave:
        """Return the wave with its vector and its timing multiplied."""
        return Wave(
            self.at * time, self.rise * time, self.fall * time, np.asarray(self.vector * amplitude)
        )

    def shifted(self, seconds: float) -> Wave:
        """Return the wave later by some seconds."""
        return replace(self, at=self.at + seconds)


def bump(at_ms: float, width_ms: float, vector: Array) -> Wave:
    """A symmetric wave given in milliseconds."""
    return Wave(at_ms / 1e3, width_ms / 1e3, width_ms / 1e3, vector)


@dataclass(frozen=True, eq=False)
class Heart:
    """A conducted beat, as the statements find and change it.

    Attributes:
        p: P waves (right, then left atrium), from the onset of P.
        pr: From the onset of P to the onset of QRS, seconds.
        qrs: Activation by name, from the onset of QRS.
        qrs_duration: Seconds.
        st: Dipole of the ST segment, [3], mV.
        t: Dipole at the peak of T, [3], mV.
        t_width: Factor on the width of T.
        u: Dipole of the U wave, [3], mV.
        qtc: QT at 60/min (Fridericia), seconds.
    """

    p: tuple[Wave, ...]
    pr: float
    qrs: dict[str, Wave]
    qrs_duration: float
    st: Array
    t: Array
    t_width: float
    u: Array
    qtc: float

    def with_qrs(self, **waves: Wave) -> Heart:
        """Return the heart with these waves of its QRS set."""
        return replace(self, qrs={**self.qrs, **waves})

    def scale_qrs(self, amplitude: float = 1.0, time: float = 1.0, only: str = "") -> Heart:
        """Return the heart with its QRS (or the waves named, space-separated) scaled."""
        names = only.split() or list(self.qrs)
        qrs = {k: w.scaled(amplitude, time) if k in names else w for k, w in self.qrs.items()}
        return replace(self, qrs=qrs)


def repolarisation(heart: Heart, rr: float) -> list[Wave]:
    """ST, T and U of a beat after an interval of `rr` seconds, from the onset of QRS."""
    qt = min(heart.qtc * min(max(rr, 0.3), 1.6) ** (1.0 / 3.0), 0.92 * rr + 0.12)
    fall = 0.036 * heart.t_width * (qt / 0.4)
    rise = 1.75 * fall
    peak = max(qt - 2.1 * fall, heart.qrs_duration + 0.07)
    st_at = heart.qrs_duration + 0.045
    st_fall = max(0.035, 0.42 * (peak - st_at))
    return [
        Wave(st_at, 0.020, st_fall, heart.st),
        Wave(peak, rise, fall, heart.t),
        Wave(qt + 0.06, 0.028, 0.035, heart.u),
    ]


def draw_heart(rng: np.random.Generator, age: float, female: bool) -> Heart:
    """Draw a healthy heart with the spread that healthy hearts have.

    The QRS is five phases of activation: the septum to the right and front, the apex to the front,
    the left free wall, the posterior wall, and the base.

    Args:
        rng: The patient's own generator.
        age: Years; voltages fall and T flattens with age.
        female: Women have lower voltages and longer QTc.
    """
    size = float(np.exp(rng.normal(0.0, 0.20))) * (0.90 if female else 1.05)
    size *= 1.12 - 0.0035 * (age - 30.0)
    phases = {
        "septal": (15.0, 6.0, vec(-0.17, -0.03, -0.20), 0.30),
        "apical": (29.0, 8.0, vec(0.42, 0.30, -0.36), 0.22),
        "main": (43.0, 8.5, vec(1.00, 0.88, 0.22), 0.15),
        "posterior": (56.0, 8.5, vec(0.36, 0.26, 0.70), 0.22),
        "basal": (70.0, 8.0, vec(-0.14, -0.14, 0.34), 0.40),
    }
    time = float(np.clip(rng.normal(0.89, 0.07), 0.75, 1.08)) * (0.97 if female else 1.02)
    qrs = {}
    for name, (at, width, vector, spread) in phases.items():
        jitter = rng.normal(0.0, 0.10, 3) * float(np.linalg.norm(vector))
        gain = size * float(np.exp(rng.normal(0.0, spread)))
        qrs[name] = bump(
            at * time * float(np.exp(rng.normal(0, 0.03))),
            0.92 * width * time * float(np.exp(rng.normal(0, 0.08))),
            (vector + jitter) * gain,
        )
    t_size = size**0.5 * float(np.exp(rng.normal(0.0, 0.30))) * (1.06 - 0.004 * (age - 45.0))
    t_front = (-0.13 if female else -0.20) * float(np.exp(rng.normal(0.0, 0.35)))
    t = vec(0.32, 0.20, t_front) * t_size + rng.normal(0.0, 0.032, 3)
    p_size = float(np.exp(rng.normal(0.0, 0.25)))
    p = (
        bump(38.0, 15.0, (vec(0.03, 0.095, -0.05) + rng.normal(0, 0.012, 3)) * p_size),
        bump(66.0, 16.0, (vec(0.055, 0.050, 0.030) + rng.normal(0, 0.012, 3)) * p_size),
    )
    repolarises_early = float(np.clip(rng.normal(0.2 if age < 45 and not female else 0, 0.3), 0, 1))
    st = vec(0.03, 0.02, -0.08) * repolarises_early + rng.normal(0.0, 0.017, 3)
    return Heart(
        p=p,
        pr=float(np.clip(rng.normal(0.148 + 0.0003 * (age - 40), 0.019), 0.118, 0.198)),
        qrs=qrs,
        qrs_duration=0.094 * time,
        st=st,
        t=t,
        t_width=float(np.exp(rng.normal(0.0, 0.10))),
        u=t * float(np.clip(rng.normal(0.06, 0.04), 0.0, 0.2)),
        qtc=float(np.clip(rng.normal(0.412 if female else 0.402, 0.018), 0.36, 0.45)),
    )
