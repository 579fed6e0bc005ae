"""From the dipole to the skin: the lead field, the patient's anatomy, electrodes and leads.

Axes are those of Frank's vectorcardiogram: x to the patient's left, y to the feet, z to the back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: The leads in the order, and with the spelling, of PTB-XL's files.
FILE_LEADS = ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")

#: The lead field [8, 3] of I, II and V1 to V6: lead = row . (x, y, z).
#: Dower, Machado, Osborne, "On deriving the electrocardiogram from vectorcardiographic leads",
#: Clin Cardiol 3:87-95, 1980.
DOWER: Array = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)

#: Chest leads as recorded against Dower's torso, by their median QRS in real records.
_GAINS: Array = np.array([1.08, 0.93, 0.80, 1.13, 1.06, 1.05, 1.12, 1.02])

#: Nine electrodes: right arm, left arm, left leg, V1..V6.
ELECTRODES = ("RA", "LA", "LL", "V1", "V2", "V3", "V4", "V5", "V6")


@dataclass(frozen=True, eq=False)
class Anatomy:
    """How one patient's heart lies in one patient's chest.

    Attributes:
        rotation: Heart to body axes, [3, 3].
        field: The patient's own lead field, [8, 3], mV per mV of dipole.
    """

    rotation: Array
    field: Array

    @property
    def projection(self) -> Array:
        """Heart axes to the eight independent leads, [8, 3]."""
        return self.field @ self.rotation


def rotation(roll: float, yaw: float, pitch: float) -> Array:
    """Return the rotation [3, 3] about z (frontal axis), then y (horizontal), then x, in radians.

    A positive roll turns the axis of the frontal plane clockwise (towards the feet), a positive
    yaw turns forces that point left towards the back.
    """
    cr, sr, cy, sy, cp, sp = (float(f(a)) for a in (roll, yaw, pitch) for f in (np.cos, np.sin))
    about_z = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
    about_y = np.array([[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
    return np.asarray(about_x @ about_y @ about_z)


def average_anatomy() -> Anatomy:
    """A chest with every electrode in its place and a heart of the commonest axis."""
    return Anatomy(rotation(-0.10, 0.05, 0.0), DOWER * _GAINS[:, None])


def draw_anatomy(rng: np.random.Generator, age: float) -> Anatomy:
    """Draw a patient's anatomy; hearts lie more horizontally in the old than in the young.

    Args:
        rng: The patient's own generator.
        age: Years.
    """
    roll = np.deg2rad(rng.normal(-4.0 - 0.50 * (age - 45.0), 21.0))
    yaw = np.deg2rad(rng.normal(2.0 + 0.20 * (age - 50.0), 13.0))
    pitch = np.deg2rad(rng.normal(0.0, 8.0))
    gains = _GAINS * np.exp(rng.normal(0.0, [0.08, 0.08, 0.22, 0.22, 0.20, 0.18, 0.16, 0.16]))
    field = DOWER * gains[:, None] + rng.normal(0.0, 0.06, size=DOWER.shape)
    # Neighbouring electrodes are set too high, too low or aside: each sees a bit of the next.
    slip = rng.normal(0.0, 0.15)
    chest = field[2:].copy()
    field[2:] = (1.0 - abs(slip)) * chest + abs(slip) * (
        np.vstack([chest[1:], chest[-1:]]) if slip > 0 else np.vstack([chest[:1], chest[:-1]])
    )
    return Anatomy(rotation(float(roll), float(yaw), float(pitch)), field)


def to_electrodes(leads: Array) -> Array:
    """Potentials of the nine electrodes [9, samples] that give the independent leads [8, samples].

    The three limbs' mean (Wilson's central terminal) is the zero.
    """
    one, two = leads[0], leads[1]
    right = -(one + two) / 3.0
    return np.vstack([right, right + one, right + two, leads[2:]])


def to_leads(electrodes: Array) -> Array:
    """The twelve leads [12, samples] in `FILE_LEADS` order from the nine potentials [9, samples].

    Einthoven's (III = II - I) and Goldberger's (aVR = -(I + II) / 2 ...) identities hold by
    construction; the chest leads are taken against Wilson's central terminal.
    """
    right, left, leg = electrodes[:3]
    one, two = left - right, leg - right
    terminal = (right + left + leg) / 3.0
    return np.vstack(
        [
            one,
            two,
            two - one,
            -(one + two) / 2.0,
            one - two / 2.0,
            two - one / 2.0,
            electrodes[3:] - terminal,
        ]
    )
