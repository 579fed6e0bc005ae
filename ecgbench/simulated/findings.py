"""Findings of the patients in plausible combinations, and the likelihood of each.

The mix follows PTB-XL's, with rare statements raised so that 2,000 records give usable classes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

#: Findings: severity in [0, 1] by statement.
Findings = dict[str, float]

#: Share of normal records.
NORMAL = 0.45

#: Probability that an abnormal record has a finding of a superclass.
_SUPERCLASSES = {"MI": 0.40, "STTC": 0.34, "CD": 0.42, "HYP": 0.33}

_MI = {
    "IMI": 28,
    "ASMI": 26,
    "AMI": 10,
    "ALMI": 10,
    "ILMI": 11,
    "LMI": 9,
    "INJAS": 7,
    "INJAL": 5,
}
_STTC = {
    "NDT": 22,
    "NST_": 12,
    "ISC_": 13,
    "ISCAL": 12,
    "ISCAS": 8,
    "ISCIN": 8,
    "ISCIL": 7,
    "ISCLA": 6,
    "DIG": 7,
    "LNGQT": 7,
}
_BUNDLE = {"IRBBB": 20, "CRBBB": 16, "CLBBB": 17, "ILBBB": 8, "IVCD": 12, "WPW": 8}
_HYP = {"LVH": 52, "LAO/LAE": 21, "RVH": 15, "RAO/RAE": 12}
_RHYTHM_ABNORMAL = {
    "SR": 60.0,
    "AFIB": 14.0,
    "STACH": 8.0,
    "SBRAD": 5.0,
    "SARRH": 4.0,
    "AFLT": 4.0,
    "PACE": 3.5,
    "SVARR": 2.5,
    "SVTAC": 2.0,
}
_RHYTHM_NORMAL = {"SR": 84.0, "SARRH": 7.0, "SBRAD": 5.5, "STACH": 3.5}

#: Frequent combinations: the second finding is added to the first with this probability. Readers write
#: the strain of LVH down as ischaemia, and stretched atria conduct slowly.
_TOGETHER = (
    ("LVH", "ISC_", 0.38),
    ("LVH", "STD_", 0.10),
    ("LAO/LAE", "1AVB", 0.22),
    ("AFIB", "ISC_", 0.14),
    ("AFIB", "LVH", 0.12),
    ("IVCD", "ISC_", 0.10),
)

#: Findings that cannot be read, or are absent, together with another finding.
_HIDES: Mapping[str, tuple[str, ...]] = {
    "PACE": (*_MI, *_STTC, *_BUNDLE, *_HYP, "LAFB", "LPFB", "1AVB", "LPR", "PVC", "PAC"),
    "CLBBB": (*_MI, *_STTC, "LVH", "RVH", "LAFB", "LPFB"),
    "WPW": (*_MI, *_STTC, "LVH", "RVH", "LAFB", "LPFB", "1AVB", "LPR"),
    "ILBBB": ("LAFB", "LPFB", "RVH", "ASMI"),
    "RVH": ("LVH", "LAFB", "LPFB", "CRBBB", "AMI", "ASMI"),
    "LVH": ("LVOLT",),
    "LAFB": ("LPFB",),
    "AFIB": ("1AVB", "LPR", "LAO/LAE", "RAO/RAE", "PAC"),
    "AFLT": ("1AVB", "LPR", "LAO/LAE", "RAO/RAE", "PAC", "PVC"),
    "SVTAC": ("1AVB", "LPR", "LAO/LAE", "RAO/RAE", "PAC", "PVC", "WPW"),
    "SVARR": ("1AVB", "LPR", "LAO/LAE", "RAO/RAE", "PAC", "WPW"),
}


def choose(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """Draw one key with the given weights."""
    share = np.array(list(weights.values()), dtype=np.float64)
    return list(weights)[int(rng.choice(len(share), p=share / share.sum()))]


def severity(rng: np.random.Generator) -> float:
    """Draw a severity: most are moderate, some subtle, some marked."""
    return float(rng.beta(1.5, 1.5))


def draw_findings(rng: np.random.Generator) -> Findings:
    """Draw one patient's findings: NORM or others, never both; with exactly one basic rhythm."""
    normal = bool(rng.random() < NORMAL)
    found = _normal(rng) if normal else _abnormal(rng)
    # An insertion order that does not tell the order of drawing keeps files stable under edits.
    return dict(sorted(found.items()))


def _normal(rng: np.random.Generator) -> Findings:
    found = {"NORM": severity(rng), choose(rng, _RHYTHM_NORMAL): severity(rng) * 0.6}
    for code, share in (
        ("PVC", 0.012),
        ("PAC", 0.015),
        ("VCLVH", 0.02),
        ("LVOLT", 0.012),
        ("IRBBB", 0.015),
    ):
        if rng.random() < share:
            found[code] = severity(rng) * 0.6
    return found


def _abnormal(rng: np.random.Generator) -> Findings:
    found = {choose(rng, _RHYTHM_ABNORMAL): severity(rng)}
    groups = [name for name, share in _SUPERCLASSES.items() if rng.random() < share]
    if not groups and set(found) & {"SR", "SBRAD", "STACH", "SARRH"}:
        groups = [choose(rng, _SUPERCLASSES)]
    for group in groups:
        for code in _of_group(group, rng):
            found[code] = severity(rng)
    found |= _forms(rng)
    for code, other, share in _TOGETHER:
        if rng.random() < share and code in found:
            found.setdefault(other, severity(rng))
    for code, hidden in _HIDES.items():
        if code in found:
            found = {k: v for k, v in found.items() if k not in hidden}
    return found | _company(found, rng)


def _of_group(group: str, rng: np.random.Generator) -> list[str]:
    """One finding, sometimes two, of a superclass."""
    if group == "CD":
        slots = rng.random(3) < (0.62, 0.38, 0.22)
        codes = [choose(rng, _BUNDLE)] if slots[0] or not slots.any() else []
        codes += [choose(rng, {"LAFB": 70, "LPFB": 30})] if slots[1] else []
        return codes + (["1AVB"] if slots[2] else [])
    weights = {"MI": _MI, "STTC": _STTC, "HYP": _HYP}[group]
    first = choose(rng, weights)
    second = choose(rng, weights) if rng.random() < (0.30 if group == "HYP" else 0.20) else first
    return sorted({first, second})


def _forms(rng: np.random.Generator) -> Findings:
    """Statements of form that come with or without a diagnosis."""
    shares = {
        "PVC": 0.095,
        "PAC": 0.060,
        "STD_": 0.055,
        "VCLVH": 0.050,
        "LOWT": 0.045,
        "NT_": 0.045,
        "INVT": 0.035,
        "LVOLT": 0.040,
        "LPR": 0.030,
        "HVOLT": 0.018,
    }
    return {code: severity(rng) for code, share in shares.items() if rng.random() < share}


def _company(found: Findings, rng: np.random.Generator) -> Findings:
    """Statements that readers add to the findings."""
    out: Findings = {}
    scars = [code for code in ("IMI", "ASMI", "AMI", "ALMI", "ILMI", "LMI") if code in found]
    for code in scars:
        if rng.random() < 0.60:
            out["ABQRS"] = found[code]
        if rng.random() < 0.15 + 0.25 * found[code]:
            out["QWAVE"] = found[code]
    if "IVCD" in found or "WPW" in found:
        out["ABQRS"] = found.get("IVCD", 0.5)
    if found.get("PVC", 0.0) > 0.55 and not {"AFIB", "SVARR"} & set(found):
        out[choose(rng, {"BIGU": 60, "TRIGU": 40})] = found["PVC"]
    return out


def likelihood(code: str, level: float, is_diagnostic: bool, rng: np.random.Generator) -> float:
    """A statement's likelihood in percent, as readers give it: certain where it is marked.

    Args:
        code: The statement.
        level: Its severity.
        is_diagnostic: Statements of form and rhythm carry 0, as in PTB-XL.
        rng: The record's generator.
    """
    if not is_diagnostic:
        return 0.0
    if code == "NORM" or level > 0.55:
        return 80.0 if rng.random() < 0.08 else 100.0
    return float(rng.choice([100.0, 80.0, 50.0, 35.0, 15.0], p=[0.52, 0.16, 0.22, 0.06, 0.04]))
