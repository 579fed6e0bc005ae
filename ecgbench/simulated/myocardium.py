"""Scars, injury, ischaemia and unspecific repolarisation: how they change a beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecgbench.simulated.effects import (
    WALLS,
    Array,
    Effect,
    along,
    mix,
    size_of,
    spread,
)
from ecgbench.simulated.heart import Heart, Wave, vec


def infarct(wall: str) -> Effect:
    """An infarct: Q (or lost R) over the wall; acute ST elevation, later inverted or flat T."""
    direction = WALLS[wall] / np.linalg.norm(WALLS[wall])

    def effect(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
        size = size_of(heart)
        to = spread(rng, direction, 0.22)
        start = float(heart.qrs["septal"].at)
        lost = {}
        part = mix(0.45, 0.85, s) if wall == "inferior" else mix(0.35, 0.78, s)
        for name, share in (("septal", 1.0), ("apical", 1.0), ("main", part)):
            wave = heart.qrs[name]
            lost[name] = replace(wave, vector=wave.vector - to * along(wave.vector, to) * share)
        depth = mix(0.10, 0.50, s) * size * (0.7 if wall == "lateral" else 0.9)
        at, width = start + mix(0.008, 0.017, s), mix(0.0100, 0.0145, s)
        if direction[2] < -0.5:
            # The wall behind goes on unopposed: S deepens out to V5.
            after = heart.qrs["posterior"]
            vector = after.vector * 1.15 - to * depth * float(rng.uniform(0.2, 0.7))
            lost["posterior"] = replace(after, vector=vector)
        heart = heart.with_qrs(**lost, scar=Wave(at, width, width, -to * depth))
        return _stage(heart, to, s, rng)

    return effect


def _stage(heart: Heart, to: Array, s: float, rng: np.random.Generator) -> Heart:
    """Repolarisation by the infarct's age: acute, subacute, or old."""
    age = float(rng.random())
    lost = heart.t - to * along(heart.t, to)
    if age < 0.12:
        lift = mix(0.12, 0.32, s)
        return replace(heart, st=heart.st + to * lift, t=heart.t * 0.8 + to * lift * 0.8)
    if age < 0.32:
        return replace(
            heart, st=heart.st + to * mix(0.02, 0.12, s), t=lost - to * mix(0.12, 0.38, s)
        )
    flatter = heart.t + (lost - heart.t) * float(rng.uniform(0.1, 0.9)) * mix(0.5, 1.0, s)
    weak = vec(float(rng.uniform(0.35, 0.95)), 1.0, 1.0)
    lift = float(rng.uniform(0.0, 0.11 if to[2] < -0.5 else 0.05))
    return replace(heart, t=flatter * weak, st=heart.st + to * lift)


def ischaemia(wall: str) -> Effect:
    """T inverted over the wall, with some ST depression."""
    direction = WALLS[wall] / np.linalg.norm(WALLS[wall])

    def effect(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
        to = spread(rng, direction)
        t = heart.t - to * along(heart.t, to) - to * mix(0.07, 0.36, s)
        st = heart.st - spread(rng, direction) * mix(0.01, 0.10, s) * float(rng.random() * 1.5)
        return replace(heart, t=t, st=st, t_width=heart.t_width * mix(1.0, 1.1, s))

    return effect


def some_ischaemia(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """ISC_: ischaemic ST depression and T change, over a wall that varies."""
    wall = ("lateral", "inferolateral", "inferolateral", "anterolateral")[int(rng.integers(4))]
    depressed = vec(0.75, 0.35, -0.05) * mix(0.05, 0.14, s)
    heart = replace(heart, st=heart.st - spread(rng, depressed))
    return ischaemia(wall)(heart, 0.7 * s, rng)


def injury(wall: str) -> Effect:
    """Subendocardial injury: ST depression and T changes over the wall."""
    direction = WALLS[wall] / np.linalg.norm(WALLS[wall])

    def effect(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
        to = spread(rng, direction)
        t = heart.t - to * along(heart.t, to) * 0.8 - to * mix(0.02, 0.22, s)
        return replace(heart, st=heart.st - to * mix(0.08, 0.24, s), t=t)

    return effect


def st_change(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """NST_: a slight ST depression, mostly lateral or inferior."""
    to = spread(rng, vec(0.75, 0.45, -0.15), 0.45)
    return replace(heart, st=heart.st - to * mix(0.05, 0.11, s), t=heart.t * mix(0.85, 0.55, s))


def st_depression(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """STD_: ST depression of 0.5 to 2 mm, lateral and inferior."""
    to = spread(rng, vec(0.85, 0.40, -0.25), 0.30)
    return replace(heart, st=heart.st - to * mix(0.08, 0.22, s), t=heart.t * mix(0.8, 0.5, s))


def flat_t(low: float, high: float) -> Effect:
    """T lowered to between `low` (marked) and `high` (subtle) of its size."""

    def effect(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
        left = mix(high, low, s)
        front = left + (1.0 - left) * float(rng.uniform(0.2, 0.85))
        lateral = spread(rng, vec(-0.10, -0.04, 0.0), 0.9) * mix(0.2, 0.8, s)
        return replace(heart, t=heart.t * vec(left, left, front) + lateral * 0.4)

    return effect


def inverted_t(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """INVT: T turned over in one region."""
    walls = ("anterior", "anterolateral", "lateral", "septal", "inferolateral")
    return ischaemia(walls[int(rng.integers(len(walls)))])(heart, mix(0.25, 1.0, s), rng)


def digitalis(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """DIG: scooped ST depression, low T, short QT."""
    to = spread(rng, vec(0.80, 0.42, -0.20))
    return replace(
        heart,
        st=heart.st - to * mix(0.08, 0.20, s),
        t=heart.t * mix(0.7, 0.3, s) - to * 0.05,
        qtc=heart.qtc - mix(0.015, 0.045, s),
    )


def long_qt(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """LNGQT: QTc over 470 ms, T broad and often low or notched."""
    return replace(
        heart,
        qtc=mix(0.475, 0.570, s),
        t_width=heart.t_width * mix(1.1, 1.45, s),
        t=heart.t * float(rng.uniform(0.55, 1.1)),
        u=heart.u * 1.5,
    )
