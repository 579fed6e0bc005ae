"""When the beats come and where they come from, and what the atria do meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbench.simulated.heart import Wave, bump, vec

Array = NDArray[np.float64]

#: Rhythms that leave no P wave before the QRS.
WITHOUT_P = ("AFIB", "AFLT", "SVTAC")

#: Beats are made from before the record's start to after its end, in seconds.
MARGIN = 2.0


@dataclass(frozen=True)
class Beat:
    """One ventricular activation.

    Attributes:
        time: Onset of QRS, seconds.
        rr: Interval since the beat before, seconds; it sets the QT.
        origin: `conducted`, `ventricular` or `paced`.
        p: Whether a P wave goes before it: `sinus`, `ectopic`, or `none`.
    """

    time: float
    rr: float
    origin: str
    p: str


@dataclass(frozen=True)
class Breathing:
    """Respiration: its rate in Hz and its phase at time zero."""

    rate: float
    phase: float

    def at(self, time: Array | float) -> Array:
        """The breath in [-1, 1]."""
        return np.asarray(np.sin(2 * np.pi * self.rate * np.asarray(time) + self.phase))


def rate_of(findings: Mapping[str, float], rng: np.random.Generator) -> float:
    """Draw the mean ventricular rate, per minute, that a rhythm goes with."""
    if "STACH" in findings:
        return 100.5 + 46.0 * float(findings["STACH"] ** 1.6)
    if "SBRAD" in findings:
        return 57.5 - 18.0 * findings["SBRAD"]
    if "SVTAC" in findings:
        return 145.0 + 60.0 * findings["SVTAC"]
    if "AFIB" in findings:
        return float(np.clip(rng.normal(89.0, 22.0), 48.0, 165.0))
    if "PACE" in findings:
        return float(rng.choice([60.0, 65.0, 70.0, 72.0, 80.0])) + float(rng.uniform(-0.5, 0.5))
    if "SVARR" in findings:
        return float(np.clip(rng.normal(70.0, 15.0), 48.0, 125.0))
    return float(np.clip(rng.normal(70.0, 11.5), 53.0, 99.0))


def intervals(
    findings: Mapping[str, float],
    seconds: float,
    breathing: Breathing,
    flutter: float,
    rng: np.random.Generator,
) -> Array:
    """Draw RR intervals [beats] in seconds that fill a record and its margins."""
    mean = 60.0 / rate_of(findings, rng)
    span = seconds + 2 * MARGIN
    if "AFLT" in findings:
        cycle = 1.0 / flutter
        steady = bool(rng.random() < 0.55)
        usual = int(rng.choice([2, 3, 4], p=[0.40, 0.20, 0.40]))
        count = int(span / cycle) + 4
        ratios = np.full(count, usual) if steady else rng.choice([2, 3, 4, 5], size=count)
        return np.asarray(ratios * cycle, dtype=np.float64)
    count = int(span / (0.45 * mean)) + 6
    if "AFIB" in findings:
        spread = float(rng.uniform(0.12, 0.28))
        return np.asarray(np.maximum(mean * np.exp(rng.normal(0.0, spread, count)), 0.30))
    if "PACE" in findings or "SVTAC" in findings:
        return np.asarray(mean * (1.0 + rng.normal(0.0, 0.003, count)))
    return _sinus(findings, mean, count, breathing, rng)


def _sinus(
    findings: Mapping[str, float],
    mean: float,
    count: int,
    breathing: Breathing,
    rng: np.random.Generator,
) -> Array:
    """Sinus intervals with respiratory (HF), baroreflex (LF) and slow variability."""
    high = float(rng.gamma(1.1, 0.017))
    if "SARRH" in findings:
        high += 0.075 + 0.13 * findings["SARRH"]
    elif "STACH" in findings:
        high *= 0.3
    low = float(rng.gamma(1.3, 0.012))
    noise = float(rng.gamma(1.2, 0.005))
    if "SVARR" in findings and rng.random() < 0.35:
        noise += 0.06 + 0.10 * findings["SVARR"]
    elif "SARRH" in findings:
        noise += float(rng.gamma(1.2, 0.03))
    phase = float(rng.uniform(0, 2 * np.pi))
    out = np.empty(count)
    time = -MARGIN
    for i in range(count):
        swing = high * float(breathing.at(time)) + low * float(np.sin(0.628 * time + phase))
        out[i] = mean * max(0.55, 1.0 + swing + noise * float(rng.normal()))
        time += out[i]
    return out


def beats(
    findings: Mapping[str, float],
    seconds: float,
    breathing: Breathing,
    flutter: float,
    rng: np.random.Generator,
) -> list[Beat]:
    """Draw the beats of a record of some seconds.

    Args:
        findings: Severity by statement; the rhythm and the ectopic statements matter here.
        seconds: Length of the record.
        breathing: Modulates the sinus node.
        flutter: Rate of fluttering atria in Hz, which conduct every second to fifth wave.
        rng: The record's generator.
    """
    rr = intervals(findings, seconds, breathing, flutter, rng)
    before = _premature(findings, len(rr), rng)
    p_kind = "none" if any(code in findings for code in WITHOUT_P) else "sinus"
    if "SVARR" in findings:
        p_kind = "ectopic"
    paced = "PACE" in findings
    if paced and float(rng.random()) < 0.55:
        p_kind = "none"
    out: list[Beat] = []
    time = -MARGIN + float(rng.uniform(-0.5, 0.2))
    pause = 0.0
    for i, interval in enumerate(rr):
        origin, kind, step = "paced" if paced else "conducted", p_kind, interval + pause
        pause = 0.0
        if before[i] == "PVC":
            origin, kind = "ventricular", "none"
            step = interval * float(rng.uniform(0.55, 0.75))
            pause = (interval - step) * float(rng.uniform(0.8, 1.05))
        elif before[i] == "PAC":
            kind = "ectopic" if p_kind != "none" else "none"
            step = interval * float(rng.uniform(0.58, 0.78))
            pause = 0.12 * interval
        time += step
        out.append(Beat(time, step, origin, kind))
        if time > seconds + MARGIN:
            break
    return out


def _premature(findings: Mapping[str, float], count: int, rng: np.random.Generator) -> list[str]:
    """Which beats come early, and from where; bigeminy and trigeminy keep their count."""
    kinds = [""] * count
    for pattern, period in (("BIGU", 2), ("TRIGU", 3)):
        if pattern in findings:
            for i in range(int(rng.integers(1, 3)), count, period):
                kinds[i] = "PVC"
            return kinds
    for code in ("PVC", "PAC"):
        if code in findings:
            share = 0.07 + 0.20 * findings[code]
            last = -2
            # The beats inside the record begin at about the third.
            forced = int(rng.integers(4, 9))
            for i in range(count):
                if (i == forced or float(rng.random()) < share) and i - last > 1:
                    kinds[i], last = code, i
    return kinds


def ectopic_p(rng: np.random.Generator) -> tuple[Wave, ...]:
    """A P wave from elsewhere than the sinus node: another axis, often inverted in II."""
    y = float(rng.choice([-0.10, -0.06, 0.05]))
    vector = vec(float(rng.normal(0.02, 0.05)), y, float(rng.normal(0.0, 0.05)))
    return (bump(40.0, 16.0, vector), bump(62.0, 15.0, vector * 0.6))


def ventricular_waves(rng: np.random.Generator) -> tuple[list[Wave], float]:
    """A beat from one ventricle: wide, tall and discordant. Returns its waves and duration."""
    origins = (
        vec(0.75, 0.95, 1.05),  # right outflow tract: left-bundle shape, inferior axis
        vec(0.95, -0.75, 0.75),  # right apex: left-bundle shape, superior axis
        vec(-0.70, 0.75, -0.95),  # left base: right-bundle shape, inferior axis
        vec(-0.55, -0.95, -0.75),  # left apex: right-bundle shape, superior axis
    )
    axis = origins[int(rng.integers(4))] * float(np.exp(rng.normal(0.05, 0.2)))
    axis = axis + rng.normal(0.0, 0.22, 3)
    return _wide_beat(axis, float(rng.uniform(0.135, 0.180)), rng)


def paced_waves(rng: np.random.Generator) -> tuple[list[Wave], float]:
    """A beat paced from the right apex: spike, left-bundle shape, superior axis."""
    axis = vec(0.60, -0.95, 1.00) * float(np.exp(rng.normal(0.0, 0.15))) + rng.normal(0, 0.18, 3)
    waves, duration = _wide_beat(axis, float(rng.uniform(0.145, 0.185)), rng)
    spike = vec(0.5, -0.9, -0.5) * float(rng.choice([0.6, 2.2, 4.5])) * float(rng.uniform(0.6, 1.4))
    return [Wave(-0.006, 0.0011, 0.0013, spike), *waves], duration


def _wide_beat(axis: Array, duration: float, rng: np.random.Generator) -> tuple[list[Wave], float]:
    tilt = rng.normal(0.0, 0.22, (3, 3))
    waves = [
        Wave(0.24 * duration, 0.13 * duration, 0.13 * duration, axis * 0.45 + tilt[0]),
        Wave(0.50 * duration, 0.14 * duration, 0.13 * duration, axis * 0.95 + tilt[1] * 0.5),
        Wave(0.76 * duration, 0.12 * duration, 0.11 * duration, axis * 0.40 + tilt[2]),
        Wave(duration + 0.05, 0.030, 0.080, -axis * 0.13),
        Wave(duration + 0.19, 0.072, 0.045, -axis * float(rng.uniform(0.30, 0.45))),
    ]
    return waves, duration


def atrial_waves(
    findings: Mapping[str, float], time: Array, flutter: float, rng: np.random.Generator
) -> Array:
    """The dipole [3, samples] of fibrillating or fluttering atria; zero in other rhythms."""
    if "AFIB" in findings:
        return _fibrillation(time, 0.020 + 0.065 * findings["AFIB"], rng)
    if "AFLT" in findings:
        return _flutter(time, 0.09 + 0.11 * findings["AFLT"], flutter, rng)
    return np.zeros((3, len(time)))


def _fibrillation(time: Array, amplitude: float, rng: np.random.Generator) -> Array:
    """f-waves: 4 to 9 Hz, wandering in rate, size and direction; largest in V1."""
    out = np.zeros((3, len(time)))
    for _ in range(3):
        hz = float(rng.uniform(4.6, 8.2))
        wander = 0.35 * np.sin(2 * np.pi * float(rng.uniform(0.1, 0.6)) * time + rng.uniform(0, 6))
        phase = 2 * np.pi * hz * time + 2.5 * wander + float(rng.uniform(0, 6.28))
        slow = 2 * np.pi * float(rng.uniform(0.15, 0.9)) * time + float(rng.uniform(0, 6.28))
        swell = 1.0 + 0.5 * np.sin(slow)
        wave = (np.sin(phase) + 0.35 * np.sin(2 * phase + 0.8)) * swell
        direction = vec(-0.25, 0.45, -0.85) + rng.normal(0.0, 0.35, 3)
        out += 0.6 * amplitude * direction[:, None] * wave
    return out


def _flutter(time: Array, amplitude: float, hz: float, rng: np.random.Generator) -> Array:
    """F-waves: a sawtooth at 4 to 5.5 Hz, negative in II, III and aVF, upright in V1."""
    phase = (hz * time + float(rng.random())) % 1.0
    # Slow descent over three quarters of the cycle, then a quick rise: rounded at both turns.
    harmonics = np.array([1.0, 0.48, 0.22, 0.10])
    saw = sum(h * np.sin(2 * np.pi * (k + 1) * phase + 0.35 * k) for k, h in enumerate(harmonics))
    direction = vec(0.05, 0.85, 0.35) + rng.normal(0.0, 0.12, 3)
    return np.asarray(0.75 * amplitude * direction[:, None] * saw)
