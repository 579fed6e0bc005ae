"""How each statement changes a conducted beat: what a cardiologist would look for.

An effect takes a heart, a severity in [0, 1] (subtle to marked) and a generator, and returns
another heart. `EFFECTS` holds them in the order in which they must be applied: chambers, then
conduction, then scars, then repolarisation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgbench.data.simulated.heart import Heart, Wave, bump, vec

Array = NDArray[np.float64]
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


# Chambers ----------------------------------------------------------------------------------


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


# Conduction --------------------------------------------------------------------------------


def left_bundle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """CLBBB: no septal q, broad notched R in I, V5, V6, deep wide S in V1-V3, discordant T."""
    size = _size(heart) * mix(0.85, 1.25, float(rng.random()))
    up = float(rng.normal(-0.15, 0.35))
    waves = {
        "septal": bump(24, 9.5, spread(rng, vec(0.26, 0.10, 0.02), 0.5)),
        "apical": bump(52, 15, spread(rng, vec(0.72, 0.35 + 0.4 * up, 0.85))),
        "main": bump(84, 17, spread(rng, vec(0.80, 0.12 + up, 1.00))),
        "posterior": bump(110, 14, spread(rng, vec(0.62, -0.05 + up, 0.60))),
        "basal": bump(128, 11, spread(rng, vec(0.15, -0.05, 0.20), 0.4)),
    }
    heart = _conduct(heart, waves, size, duration=mix(0.124, 0.168, s), drawn=0.148)
    return _discordant(heart, rng, strength=mix(0.8, 1.2, float(rng.random())))


def incomplete_left_bundle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """ILBBB: the septal q is gone, R is slurred, QRS 100 to 119 ms."""
    waves = {
        "septal": bump(22, 9, spread(rng, vec(0.20, 0.08, 0.02), 0.4)),
        "apical": bump(42, 12, spread(rng, vec(0.60, 0.35, 0.40))),
        "main": bump(62, 13, spread(rng, vec(0.85, 0.35, 0.65))),
        "posterior": bump(82, 12, spread(rng, vec(0.38, 0.05, 0.50))),
        "basal": bump(96, 9, spread(rng, vec(0.0, -0.06, 0.22), 0.4)),
    }
    heart = _conduct(heart, waves, _size(heart) * 1.05, duration=mix(0.103, 0.119, s), drawn=0.112)
    return _discordant(heart, rng, strength=mix(0.10, 0.45, s))


def right_bundle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """CRBBB: late slow forces to the right and front: rsR' in V1, broad S in I, V5, V6."""
    late = mix(0.122, 0.158, s)
    size = _size(heart) ** 0.5
    end = spread(rng, vec(-0.62, -0.02, -0.62), 0.22) * size * mix(0.8, 1.15, float(rng.random()))
    width = (late - 0.060) / 5.0
    heart = heart.with_qrs(
        posterior=heart.qrs["posterior"].scaled(0.75),
        basal=Wave(late - 2.9 * width, 1.1 * width, width * 1.1, end * 0.75),
        late=Wave(late - 1.4 * width, 1.1 * width, 0.9 * width, end * 0.62),
    )
    turned = vec(0.06, 0.0, 0.30) * mix(0.6, 1.1, float(rng.random())) * size
    return replace(heart, qrs_duration=late, t=heart.t * 0.9 + turned)


def incomplete_right_bundle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """IRBBB: a small terminal r' in V1 and s in I and V6, QRS under 120 ms."""
    late = mix(0.098, 0.118, s)
    end = spread(rng, vec(-0.38, -0.08, -0.26), 0.22) * mix(0.7, 1.25, s)
    heart = heart.with_qrs(
        posterior=heart.qrs["posterior"].scaled(mix(0.85, 0.65, s)),
        basal=Wave(late - 0.022, 0.0095, 0.010, end),
    )
    return replace(heart, qrs_duration=late, t=heart.t + vec(0.08, 0.0, 0.05) * mix(0.4, 1.0, s))


def unspecific_delay(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """IVCD: QRS over 110 ms, slurred and notched, of neither bundle's shape."""
    stretch = mix(0.112, 0.142, s) / heart.qrs_duration
    heart = heart.scale_qrs(time=stretch, amplitude=0.92)
    notch = Wave(
        heart.qrs["main"].at + 0.020, 0.006, 0.006, spread(rng, vec(0.0, 0.0, 0.0) + 0.2, 1.5)
    )
    heart = heart.with_qrs(notch=notch)
    heart = replace(heart, qrs_duration=heart.qrs_duration * stretch)
    return _discordant(heart, rng, strength=mix(0.05, 0.4, s))


def left_anterior_fascicle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """LAFB: axis beyond -45 degrees; q in I and aVL, rS in II, III, aVF, S out to V6."""
    size = _size(heart)
    up = mix(0.42, 0.95, s)
    waves = {
        "septal": bump(17, 7.5, spread(rng, vec(-0.10, 0.27, -0.22), 0.25) * size),
        "apical": bump(34, 8.5, spread(rng, vec(0.46, 0.02, -0.10)) * size),
        "main": bump(50, 9.5, spread(rng, vec(0.80, -up, 0.25)) * size),
        "posterior": bump(66, 9.5, spread(rng, vec(0.30, -0.85 * up, 0.55)) * size),
        "basal": bump(82, 9.0, spread(rng, vec(-0.36, -0.38 * up, 0.32), 0.3) * size),
    }
    heart = heart.with_qrs(**waves)
    return replace(heart, qrs_duration=max(heart.qrs_duration, mix(0.096, 0.112, s)))


def left_posterior_fascicle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """LPFB: axis beyond +100 degrees; rS in I and aVL, qR in II, III, aVF."""
    size = _size(heart)
    right = mix(0.10, 0.50, s)
    waves = {
        "septal": bump(17, 7.5, spread(rng, vec(0.24, -0.28, -0.16), 0.25) * size),
        "main": bump(48, 9.5, spread(rng, vec(-right, 1.20, 0.20)) * size),
        "posterior": bump(64, 9.5, spread(rng, vec(-1.2 * right, 0.75, 0.55)) * size),
        "basal": bump(80, 9.0, spread(rng, vec(-0.30, 0.22, 0.25), 0.3) * size),
    }
    heart = heart.with_qrs(**waves)
    return replace(heart, qrs_duration=max(heart.qrs_duration, mix(0.094, 0.110, s)))


def accessory_pathway(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """WPW: PR under 120 ms, a slurred delta wave at the pathway's side, discordant T."""
    pathways = (vec(-0.25, 0.38, -0.55), vec(0.45, -0.50, -0.25), vec(0.55, 0.10, 0.45))
    delta = spread(rng, pathways[int(rng.integers(3))]) * mix(0.55, 1.0, s)
    lead = mix(0.028, 0.048, s)
    qrs = {name: wave.shifted(lead).scaled(mix(0.95, 0.8, s)) for name, wave in heart.qrs.items()}
    qrs["delta"] = Wave(lead + 0.004, 0.017, 0.013, delta)
    return replace(
        heart,
        qrs=qrs,
        qrs_duration=heart.qrs_duration + lead,
        pr=mix(0.116, 0.086, s),
        t=heart.t * mix(0.8, 0.45, s) - delta * mix(0.25, 0.6, s),
        st=heart.st - delta * mix(0.04, 0.12, s),
    )


def first_degree(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """1AVB: PR over 200 ms."""
    return replace(heart, pr=mix(0.214, 0.320, s))


def long_pr(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """LPR: PR just over 200 ms."""
    return replace(heart, pr=max(heart.pr, mix(0.204, 0.245, s)))


def low_voltage(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """LVOLT: QRS under 0.5 mV in the limb leads."""
    heart = heart.scale_qrs(amplitude=mix(0.42, 0.26, s) / max(0.6, _size(heart)))
    return replace(heart, t=heart.t * mix(0.8, 0.6, s))


def high_voltage(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """HVOLT: tall QRS in all leads with nothing else."""
    return heart.scale_qrs(amplitude=mix(1.45, 2.0, s))


# Scars, injury, ischaemia ------------------------------------------------------------------


def infarct(wall: str) -> Effect:
    """An infarct: Q (or lost R) over the wall; acute ST elevation, later inverted or flat T."""
    direction = WALLS[wall] / np.linalg.norm(WALLS[wall])

    def effect(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
        size = _size(heart)
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


# Unspecific repolarisation -----------------------------------------------------------------


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


# Shared ------------------------------------------------------------------------------------


def _size(heart: Heart) -> float:
    """The heart's voltage against the average, 1."""
    return float(np.clip(np.linalg.norm(heart.qrs["main"].vector) / 1.35, 0.55, 1.6))


def _conduct(
    heart: Heart, waves: dict[str, Wave], size: float, *, duration: float, drawn: float
) -> Heart:
    """Replace the activation by waves drawn for one duration, stretched to another."""
    time = duration / drawn
    qrs = {name: wave.scaled(size, time) for name, wave in waves.items()}
    return replace(heart, qrs=qrs, qrs_duration=duration)


def _discordant(heart: Heart, rng: np.random.Generator, *, strength: float) -> Heart:
    """ST and T opposite to the sum of the activation, as after any abnormal conduction."""
    area = np.sum([(w.rise + w.fall) * 12.5 * w.vector for w in heart.qrs.values()], axis=0)
    away = -spread(rng, area, 0.15) * strength
    return replace(
        heart,
        st=heart.st + away * 0.13,
        t=heart.t * max(0.1, 1.0 - 0.8 * strength) + away * 0.40,
        qtc=heart.qtc + 0.02 * strength,
    )


EFFECTS: Mapping[str, Effect] = {
    "LVH": left_ventricle,
    "VCLVH": voltage,
    "RVH": right_ventricle,
    "LAO/LAE": left_atrium,
    "RAO/RAE": right_atrium,
    "LAFB": left_anterior_fascicle,
    "LPFB": left_posterior_fascicle,
    "HVOLT": high_voltage,
    "LVOLT": low_voltage,
    "IVCD": unspecific_delay,
    "IRBBB": incomplete_right_bundle,
    "CRBBB": right_bundle,
    "ILBBB": incomplete_left_bundle,
    "CLBBB": left_bundle,
    "IMI": infarct("inferior"),
    "ILMI": infarct("inferolateral"),
    "ASMI": infarct("septal"),
    "AMI": infarct("anterior"),
    "ALMI": infarct("anterolateral"),
    "LMI": infarct("lateral"),
    "WPW": accessory_pathway,
    "1AVB": first_degree,
    "LPR": long_pr,
    "INJAS": injury("septal"),
    "INJAL": injury("anterolateral"),
    "ISC_": some_ischaemia,
    "ISCAL": ischaemia("anterolateral"),
    "ISCAS": ischaemia("septal"),
    "ISCIN": ischaemia("inferior"),
    "ISCIL": ischaemia("inferolateral"),
    "ISCLA": ischaemia("lateral"),
    "NDT": flat_t(-0.05, 0.55),
    "LOWT": flat_t(0.10, 0.40),
    "NT_": flat_t(-0.15, 0.50),
    "INVT": inverted_t,
    "NST_": st_change,
    "STD_": st_depression,
    "DIG": digitalis,
    "LNGQT": long_qt,
}


def apply(
    heart: Heart, findings: Mapping[str, float], streams: Callable[[int], np.random.Generator]
) -> Heart:
    """Return the heart changed by every finding that has an effect, in their fixed order.

    Args:
        heart: A healthy heart.
        findings: Severity by statement.
        streams: Gives the generator of each effect by its place, so that one finding more or less
            does not change how the others look.
    """
    for place, (code, effect) in enumerate(EFFECTS.items()):
        if code in findings:
            heart = effect(heart, findings[code], streams(place))
    return heart
