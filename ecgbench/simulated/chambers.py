"""Hypertrophy, enlargement and voltage: how the statements of size change a beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecgbench.simulated.effects import (
    mix,
    size_of,
    spread,
)
from ecgbench.simulated.heart import Heart, Wave, vec


def left_ventricle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """LVH: high voltage left and back, a little wide; with severity the strain pattern."""
    heart = voltage(heart, s, rng).scale_qrs(time=mix(1.03, 1.15, s))
    heart = replace(heart, qrs_duration=heart.qrs_duration * mix(1.03, 1.15, s))
    return strain(heart, float(np.clip(1.35 * s - 0.15 + rng.normal(0, 0.2), 0, 1)), rng)


def voltage(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """VCLVH: the voltage of LVH without its repolarisation."""
    gain = mix(1.30, 1.95, s) * float(np.exp(rng.normal(0, 0.06)))
    heart = heart.scale_qrs(amplitude=gain, only="main posterior")
    back = vec(mix(0.10, 0.35, s), -mix(0.05, 0.35, s), mix(0.10, 0.40, s))
    main = heart.qrs["main"]
    return heart.with_qrs(main=replace(main, vector=main.vector + back))


def strain(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """Lateral ST depression and asymmetric T inversion, ST elevation and tall T in V1-V2."""
    away = spread(rng, vec(-0.62, -0.14, -0.80))
    return replace(
        heart,
        st=heart.st + away * mix(0.0, 0.19, s),
        t=heart.t * mix(0.85, 0.25, s) + away * mix(0.05, 0.45, s),
        t_width=heart.t_width * mix(1.0, 1.12, s),
    )


def right_ventricle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """RVH: right axis, tall R in V1, deep S in V5-V6, T inverted in V1-V3."""
    pull = spread(rng, vec(-mix(0.75, 1.35, s), 0.25, -mix(0.55, 1.15, s)))
    waves = {
        "main": replace(heart.qrs["main"], vector=heart.qrs["main"].vector * 0.75 + pull),
        "posterior": heart.qrs["posterior"].scaled(mix(0.7, 0.25, s)),
        "basal": replace(heart.qrs["basal"], vector=spread(rng, vec(-mix(0.35, 0.7, s), 0.1, 0.1))),
    }
    heart = heart.with_qrs(**waves)
    t = heart.t * mix(0.9, 0.5, s) + spread(rng, vec(0.05, -0.12, 0.35)) * mix(0.3, 1.0, s)
    return replace(heart, t=t, st=heart.st + vec(0.01, -0.03, 0.05) * s)


def left_atrium(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """LAE: a wide, notched P in II and a deep terminal P in V1."""
    right, left = heart.p
    later = mix(0.022, 0.045, s)
    vector = left.vector * mix(1.1, 1.5, s) + vec(mix(0.03, 0.06, s), 0.03, mix(0.02, 0.06, s))
    left = Wave(left.at + later, left.rise * 1.1, left.fall * 1.15, vector)
    return replace(heart, p=(right, left), pr=heart.pr + mix(0.008, 0.025, s))


def right_atrium(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """RAE: a tall peaked P in II, III, aVF and an upright peak in V1."""
    right, left = heart.p
    vector = right.vector * 0.6 + vec(0.01, mix(0.15, 0.30, s), -mix(0.05, 0.11, s))
    return replace(heart, p=(replace(right, vector=vector, at=right.at + 0.006), left))


def low_voltage(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """LVOLT: QRS under 0.5 mV in the limb leads."""
    heart = heart.scale_qrs(amplitude=mix(0.42, 0.26, s) / max(0.6, size_of(heart)))
    return replace(heart, t=heart.t * mix(0.8, 0.6, s))


def high_voltage(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """HVOLT: tall QRS in all leads with nothing else."""
    return heart.scale_qrs(amplitude=mix(1.45, 2.0, s))
