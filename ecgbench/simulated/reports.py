"""Reports in English with varied wording.

A report does not simply list its labels. A finding may be omitted, hedged, named vaguely or described
only by its leads. Absent findings may be named, and some reports have no content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ecgbench.simulated import phrases
from ecgbench.simulated.statements import STATEMENTS
from ecgbench.simulated.synthesis import Measures

#: Shares of reports, or of findings, that are told in a given way.
_GENERIC, _OMITTED, _VAGUE, _HEDGED_ANYWAY = 0.035, 0.07, 0.09, 0.10


def one(rng: np.random.Generator, options: Sequence[str]) -> str:
    """Draw one of several wordings."""
    return options[int(rng.integers(len(options)))]


def write_report(
    codes: Mapping[str, float],
    measures: Measures,
    noisy: bool,
    rng: np.random.Generator,
) -> str:
    """Write the report of one record.

    Args:
        codes: Likelihood in percent by statement; 0 for form and rhythm.
        measures: What a machine would measure in the record.
        noisy: Whether the recording's quality may be remarked on.
        rng: The generator of this record's words.
    """
    if rng.random() < _GENERIC:
        return _punctuate([one(rng, phrases.GENERIC)], rng)
    rhythm = [
        one(rng, phrases.NAMES[code])
        for code in codes
        if STATEMENTS[code].rhythm and rng.random() > _OMITTED
    ]
    found = _findings(codes, rng)
    numbers = _numbers(measures, rng)
    closing = _closing(codes, noisy, rng)
    body = rhythm + numbers + found if rng.random() < 0.75 else found + rhythm + numbers
    parts = body + closing if rng.random() < 0.85 else closing + body
    return _punctuate(parts or [one(rng, phrases.GENERIC)], rng)


def _findings(codes: Mapping[str, float], rng: np.random.Generator) -> list[str]:
    """Name the diagnoses and forms, each in its own way, in a random order."""
    out: list[str] = []
    silent = ("NORM", "ABQRS")
    named = [c for c in codes if c not in silent and not STATEMENTS[c].rhythm]
    for index in rng.permutation(len(named)):
        code = named[int(index)]
        statement = STATEMENTS[code]
        if len(named) > 1 and rng.random() < _OMITTED:
            continue
        if statement.diagnostic and rng.random() < _VAGUE:
            out.append(one(rng, phrases.VAGUE[statement.superclass]))
            continue
        text = one(rng, phrases.NAMES[code])
        doubtful = statement.diagnostic and codes[code] <= 50.0
        if doubtful or rng.random() < _HEDGED_ANYWAY:
            text = one(rng, phrases.HEDGES).format(text)
        out.append(text)
    return out


def _numbers(measures: Measures, rng: np.random.Generator) -> list[str]:
    """Rate, intervals and axis, each given by some readers only."""
    rate = round(measures.rate + float(rng.normal(0.0, 1.0)))
    qrs = round(measures.qrs * 1e3 + float(rng.normal(0.0, 4.0)))
    out: list[str] = []
    if rng.random() < 0.28:
        forms = ("heart rate {} bpm", "rate {}/min", "HR {}", "ventricular rate {} per minute")
        out.append(one(rng, forms).format(rate))
    if measures.pr and rng.random() < 0.10:
        out.append(f"PR {round(measures.pr * 1e3 + float(rng.normal(0.0, 5.0)))} ms")
    if rng.random() < 0.10:
        out.append(one(rng, ("QRS {} ms", "QRS duration {} ms")).format(qrs))
    if rng.random() < 0.07:
        out.append(f"QTc {round(measures.qtc * 1e3 + float(rng.normal(0.0, 8.0)))} ms")
    if rng.random() < 0.35:
        side = "left" if measures.axis < -20 else "right" if measures.axis > 95 else "normal"
        out.append(one(rng, phrases.AXES[side]))
    return out


def _closing(codes: Mapping[str, float], noisy: bool, rng: np.random.Generator) -> list[str]:
    """The conclusion, what is absent, and the quality."""
    out: list[str] = []
    normal = "NORM" in codes
    if normal and rng.random() < 0.85:
        lead = "otherwise " if len(codes) > 2 and rng.random() < 0.6 else ""
        out.append(lead + one(rng, phrases.NORMAL))
    if not normal and rng.random() < (0.45 if "ABQRS" in codes else 0.15):
        out.append(one(rng, phrases.ABNORMAL))
    present = {STATEMENTS[code].superclass for code in codes}
    for superclass, options in phrases.NEGATIONS.items():
        if superclass not in present and rng.random() < (0.12 if normal else 0.07):
            out.append(one(rng, options))
    if noisy and rng.random() < 0.4:
        out.append(one(rng, phrases.QUALITY))
    return out


def _punctuate(parts: Sequence[str], rng: np.random.Generator) -> str:
    """Join the parts as one of several writers would."""
    style = int(rng.choice(4, p=[0.45, 0.25, 0.20, 0.10]))
    if style == 0:
        return " ".join(part[0].upper() + part[1:] + "." for part in parts)
    if style == 1:
        return ". ".join(parts).lower() + "."
    if style == 2:
        return ", ".join(parts)
    return "; ".join(parts).lower()
