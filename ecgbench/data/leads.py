"""The order and the names of the twelve standard leads.

Files are read by the names in their headers, never by position: PTB-XL writes ``AVR``, MIMIC-IV-ECG
puts aVF before aVL.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError

LEADS: tuple[str, ...] = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

# Einthoven's and Goldberger's identities: each lead as a combination of I and II.
_FROM_I_AND_II = {
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}
_CANONICAL = {lead.upper(): lead for lead in LEADS} | {
    other: lead
    for lead, others in {"I": ("DI", "D1"), "II": ("DII", "D2"), "III": ("DIII", "D3")}.items()
    for other in others
}
_PREFIX = re.compile(r"^(?:MDC_ECG_LEAD_|LEAD[\s_]+)")


def canonical_lead(name: str) -> str:
    """The usual spelling of a lead's name: ``AVR``, ``Lead aVR`` and ``MDC_ECG_LEAD_AVR`` are ``aVR``.

    A name that is none of the twelve is given back without blanks around it.
    """
    stripped = name.strip()
    plain = unicodedata.normalize("NFKC", stripped).upper()
    return _CANONICAL.get(_PREFIX.sub("", plain), stripped)


def lead_positions(wanted: Sequence[str], present: Sequence[str]) -> list[int]:
    """Position of each wanted lead among the present leads.

    Raises:
        DataError: A lead is missing; names it.
    """
    where = {canonical_lead(name): position for position, name in enumerate(present)}
    missing = [lead for lead in wanted if lead not in where]
    if missing:
        raise DataError(f"Lead {', '.join(missing)} is missing (there are {', '.join(present)}).")
    return [where[lead] for lead in wanted]


def is_derivable(name: str) -> bool:
    """Whether a lead follows from I and II."""
    return name in _FROM_I_AND_II


def derive_limb_lead(
    name: str, lead_i: npt.NDArray[np.floating], lead_ii: npt.NDArray[np.floating]
) -> npt.NDArray[np.floating]:
    """Compute III, aVR, aVL or aVF from I and II (in mV, same shape).

    A record that lacks a lead is quarantined, unless its data set says ``derive_limb_leads``.

    Raises:
        DataError: The lead cannot be computed from I and II.
    """
    if not is_derivable(name):
        raise DataError(f"Lead {name} cannot be derived from I and II.")
    of_i, of_ii = _FROM_I_AND_II[name]
    return of_i * lead_i + of_ii * lead_ii


def limb_identities() -> npt.NDArray[np.float64]:
    """Einthoven's and Goldberger's identities, [4, 6]: each row times the six limb leads is zero."""
    rows = []
    for row, (lead, (of_i, of_ii)) in enumerate(_FROM_I_AND_II.items(), start=2):
        assert LEADS[row] == lead
        weights = np.zeros(6)
        weights[[0, 1, row]] = of_i, of_ii, -1.0
        rows.append(weights)
    return np.array(rows)
