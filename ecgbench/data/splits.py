"""Folds for data sets without folds, and the label fractions of track ``standard``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import EcgbenchError

Labels = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]

# A fraction is drawn out of the smallest of these that holds it, so that smaller ones are nested.
_LADDER = (1.0, 0.1, 0.01)


def hash_folds(keys: Iterable[str], salt: str, folds: int = 10) -> npt.NDArray[np.int64]:
    """Put each key into a fold by its hash, independent of the machine and of the other keys.

    Args:
        keys: Patient ids where they are known, so that no patient stands in two folds; record ids
            otherwise.
        salt: Name of the data set, so that data sets are split independently.
        folds: Number of folds.

    Returns:
        Fold of each key, 1 to ``folds``.
    """
    digests = (hashlib.sha256(f"{salt}:{key}".encode()).digest() for key in keys)
    numbers = [int.from_bytes(digest[:8], "big") % folds + 1 for digest in digests]
    return np.array(numbers, dtype=np.int64)


def fraction_rows(labels: Labels, fraction: float, draw: int) -> Rows:
    """Draw a fraction of a training split: stratified, nested, with every class.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, ECML PKDD 2011) of a multi-label set.
    The draw depends on the labels, the fraction and ``draw`` alone, never on a run's seed or on a
    method. 1 % is drawn out of the 10 % of the same draw.

    Args:
        labels: 0 and 1, [records, classes].
        fraction: Above 0, at most 1.
        draw: Number of the draw, 0 or more.

    Returns:
        Sorted row positions: ``round(fraction * records)`` of them, or as many more as it takes to
        have one positive of every class that has one.

    Raises:
        EcgbenchError: The fraction or the draw is out of range.
    """
    if not 0 < fraction <= 1 or draw < 0:
        raise EcgbenchError(
            f"No label fraction {fraction} (draw {draw}).",
            "Take a fraction above 0 and at most 1 (0.01, 0.1, 1) and a draw of 0 or more.",
        )
    total = len(labels)
    rows = np.arange(total, dtype=np.int64)
    steps = [step for step in _LADDER if fraction < step < 1] + [fraction]
    for level, step in enumerate(steps):
        if step == 1:
            break
        size = max(1, round(step * total)) if total else 0
        rng = np.random.default_rng([draw, level])
        rows = rows[_stratified(labels[rows], size, rng)]
    return rows


def _stratified(labels: Labels, size: int, rng: np.random.Generator) -> Rows:
    """Positions of about ``size`` records with the label shares of all records and with every class."""
    total = len(labels)
    if size >= total:
        return np.arange(total, dtype=np.int64)
    order = rng.permutation(total)
    positive = labels[order].astype(bool)
    chosen = _cover(positive)
    share = size / total
    wanted = share * positive.sum(axis=0) - positive[chosen].sum(axis=0)
    others = (1 - share) * positive.sum(axis=0)
    room = size - int(chosen.sum())
    free = ~chosen
    while room > 0 and positive[free].any():
        left = positive[free].sum(axis=0)
        rarest = int(np.argmin(np.where(left > 0, left, total + 1)))
        for record in np.flatnonzero(free & positive[:, rarest]):
            free[record] = False
            take = room > 0 and _prefers(wanted[rarest], others[rarest], rng)
            (wanted if take else others)[positive[record]] -= 1
            chosen[record] = take
            room -= take
    if room > 0:  # records without labels first, then the remaining records
        candidates = np.concatenate([np.flatnonzero(free), np.flatnonzero(~chosen & ~free)])
        chosen[candidates[:room]] = True
    return np.sort(order[chosen]).astype(np.int64)


def _prefers(wanted: float, others: float, rng: np.random.Generator) -> bool:
    """Whether the part that lacks more of a label is the chosen one; a coin where both lack alike."""
    return wanted > others if wanted != others else bool(rng.integers(2))


def _cover(positive: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """A small set of records with one positive of every class that has one, rarest class first."""
    chosen = np.zeros(len(positive), dtype=bool)
    missing = positive.any(axis=0)
    support = np.where(missing, positive.sum(axis=0), len(positive) + 1)
    while missing.any():
        rarest = int(np.argmin(np.where(missing, support, len(positive) + 2)))
        candidates = np.flatnonzero(positive[:, rarest])
        new_classes = (positive[candidates] & missing).sum(axis=1)
        record = candidates[int(np.argmax(new_classes))]
        chosen[record] = True
        missing &= ~positive[record]
    return chosen
