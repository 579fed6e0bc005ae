"""Bundles, fascicles, pathways and the AV node: how blocks change a beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecgbench.simulated.effects import (
    conduct,
    discordant,
    mix,
    size_of,
    spread,
)
from ecgbench.simulated.heart import Heart, Wave, bump, vec


def left_bundle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """CLBBB: no septal q, broad notched R in I, V5, V6, deep wide S in V1-V3, discordant T."""
    size = size_of(heart) * mix(0.85, 1.25, float(rng.random()))
    up = float(rng.normal(-0.15, 0.35))
    waves = {
        "septal": bump(24, 9.5, spread(rng, vec(0.26, 0.10, 0.02), 0.5)),
        "apical": bump(52, 15, spread(rng, vec(0.72, 0.35 + 0.4 * up, 0.85))),
        "main": bump(84, 17, spread(rng, vec(0.80, 0.12 + up, 1.00))),
        "posterior": bump(110, 14, spread(rng, vec(0.62, -0.05 + up, 0.60))),
        "basal": bump(128, 11, spread(rng, vec(0.15, -0.05, 0.20), 0.4)),
    }
    heart = conduct(heart, waves, size, duration=mix(0.124, 0.168, s), drawn=0.148)
    return discordant(heart, rng, strength=mix(0.8, 1.2, float(rng.random())))


def incomplete_left_bundle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """ILBBB: the septal q is gone, R is slurred, QRS 100 to 119 ms."""
    waves = {
        "septal": bump(22, 9, spread(rng, vec(0.20, 0.08, 0.02), 0.4)),
        "apical": bump(42, 12, spread(rng, vec(0.60, 0.35, 0.40))),
        "main": bump(62, 13, spread(rng, vec(0.85, 0.35, 0.65))),
        "posterior": bump(82, 12, spread(rng, vec(0.38, 0.05, 0.50))),
        "basal": bump(96, 9, spread(rng, vec(0.0, -0.06, 0.22), 0.4)),
    }
    heart = conduct(heart, waves, size_of(heart) * 1.05, duration=mix(0.103, 0.119, s), drawn=0.112)
    return discordant(heart, rng, strength=mix(0.10, 0.45, s))


def right_bundle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """CRBBB: late slow forces to the right and front: rsR' in V1, broad S in I, V5, V6."""
    late = mix(0.122, 0.158, s)
    size = size_of(heart) ** 0.5
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
    return discordant(heart, rng, strength=mix(0.05, 0.4, s))


def left_anterior_fascicle(heart: Heart, s: float, rng: np.random.Generator) -> Heart:
    """LAFB: axis beyond -45 degrees; q in I and aVL, rS in II, III, aVF, S out to V6."""
    size = size_of(heart)
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
    size = size_of(heart)
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
