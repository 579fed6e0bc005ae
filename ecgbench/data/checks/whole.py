"""Checks of a whole data set: a fault that most of its records share has one cause and one remedy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError
from ecgbench.data.checks.signals import LIMB_TOLERANCE, PLAUSIBLE
from ecgbench.data.leads import LEADS, limb_identities

_MOST = 0.5  # share of the records beyond which a fault is the data set's
_TYPICAL = (
    2.5  # mV peak to peak in the largest lead of a resting ECG; median of real records: 2.8-3.7
)
_OTHER_UNITS = {"V": 1e3, "uV": 1e-3, "nV": 1e-6}  # in mV
_LIMB = LEADS[:6]


def check_amplitudes(amplitudes: Sequence[float], units: str) -> None:
    """Refuse a data set most of whose records have amplitudes that no ECG has.

    Args:
        amplitudes: Largest peak-to-peak value of each record.
        units: What they are said to be in.

    Raises:
        DataError: Names the median, the likely unit and the key that says so.
    """
    low, high = PLAUSIBLE[units]
    values = np.asarray(amplitudes, dtype=np.float64)
    wrong = int(((values < low) | (values > high)).sum())
    if wrong <= _MOST * len(values):
        return
    median = float(np.median(values))
    hint = "Look at the gains and units of the files."
    if units == "mV" and median > 0:
        unit = min(
            _OTHER_UNITS, key=lambda name: abs(np.log(median * _OTHER_UNITS[name] / _TYPICAL))
        )
        likely = median * _OTHER_UNITS[unit]
        if low <= likely <= high:
            hint = (
                f"If the values are {unit}, the median is {likely:.3g} mV: write "
                f"`unit_names: {{mV: {unit}}}` in the YAML file."
            )
    raise DataError(
        f"{wrong:,} of {len(values):,} records have amplitudes that no ECG has: the median is "
        f"{median:.3g} {units} peak to peak, plausible are {low:g} to {high:g}.",
        hint,
    )


def check_limb_leads(
    records: Sequence[npt.NDArray[np.floating]], leads: tuple[str, ...], broken: int, total: int
) -> None:
    """Refuse a data set in most of whose records the same limb leads are mixed up.

    Args:
        records: Some of the records whose limb leads break their identities, [leads, samples] each.
        leads: Names of the rows.
        broken: How many records break the identities.
        total: Of how many.

    Raises:
        DataError: One order of the limb leads mends most of ``records``; names that order. Where no
            order does (each lead was scaled by itself, say), nothing is raised.
    """
    if broken <= _MOST * total or not set(_LIMB) <= set(leads):
        return
    rows = [leads.index(lead) for lead in _LIMB]
    orders = list(permutations(range(6)))
    mended = np.zeros(len(orders), dtype=np.int64)
    errors = np.zeros(len(orders))
    for record in records:
        found = _errors(np.asarray(record, dtype=np.float64)[rows], orders)
        mended += found <= LIMB_TOLERANCE
        errors += found
    best = min(range(len(orders)), key=lambda order: (-mended[order], errors[order]))
    if mended[best] <= _MOST * len(records):
        return
    renamed = {
        _LIMB[held]: lead
        for lead, held in zip(_LIMB, orders[best], strict=True)
        if _LIMB[held] != lead
    }
    names = ", ".join(f"{file}: {lead}" for file, lead in sorted(renamed.items()))
    raise DataError(
        f"The limb leads of {broken:,} of {total:,} records are mixed up: III is not II - I, or an "
        f"augmented lead does not follow from I and II.",
        f"All fit under other names: write `lead_names: {{{names}}}` in the YAML file, or put the "
        f"files right.",
    )


def _errors(
    limb: npt.NDArray[np.float64], orders: list[tuple[int, ...]]
) -> npt.NDArray[np.float64]:
    """The largest RMS error of the four identities under each order, in shares of the largest lead."""
    covariance = np.cov(limb, bias=True)
    scale = np.sqrt(max(covariance.diagonal().max(), np.finfo(float).tiny))
    order = np.array(orders)
    turned = covariance[order[:, :, None], order[:, None, :]]  # [orders, 6, 6]
    identities = limb_identities()
    squares = np.einsum("ki,nij,kj->nk", identities, turned, identities)
    return np.asarray(np.sqrt(np.maximum(squares, 0).max(axis=1)) / scale)
