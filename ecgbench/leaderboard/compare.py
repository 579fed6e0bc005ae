"""A record's figures against the same figures computed again: what differs, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ecgbench.evaluation.scoring import BOOTSTRAP_SEED, SHARED
from ecgbench.leaderboard.evidence import evidence_of
from ecgbench.results.parts import ClassFigures, Figure, Replicates, Scores
from ecgbench.results.replicates import unpack
from ecgbench.results.schema import Result
from ecgbench.stats.components import interval_of, patients_alone
from ecgbench.stats.evidence import Runs
from ecgbench.stats.intervals import Error, limits

TOLERANCE = 2e-9  # figures have ten digits; the last one may differ by a rounding
GRID = 1e-4  # what the grid of the replicates may move a standard error or a limit by, at most


def differences(result: Result, again: Scores, patients: NDArray[np.str_]) -> Iterator[str]:
    """Compare.

    Args:
        result: The record.
        again: Its figures computed again, perhaps with the first resamples only.
        patients: ``[n]``, for the resamples' hash.
    """
    said = result.scores
    if said is None:
        return
    full = said.resamples == again.resamples
    yield from _counts(said, again, patients)
    for name in sorted(said.figures.keys() | again.figures.keys()):
        one, other = said.figures.get(name), again.figures.get(name)
        yield from _figure(name, one, other, full)
        yield from _replicates(name, said.replicates, again.replicates, said.resamples)
        if one is not None and not full:
            yield from _follows(name, one, result)
    if said.shared.keys() != again.shared.keys():
        yield "has shared resamples of other classes than it scores"
    for name in sorted(said.shared.keys() & again.shared.keys()):
        count = min(said.resamples, SHARED)
        for problem in _replicates(name, said.shared, again.shared, count):
            yield f"{problem} (shared)"
    if len(said.classes) != len(again.classes):
        yield f"has {len(said.classes)} classes; the label set has {len(again.classes)}"
        return
    for mine, theirs in zip(said.classes, again.classes, strict=True):
        yield from _class(mine, theirs, full)


def _counts(said: Scores, again: Scores, patients: NDArray[np.str_]) -> Iterator[str]:
    from ecgbench.stats.resample import Design

    design = Design.of(patients.tolist(), said.resamples, BOOTSTRAP_SEED).key
    if said.design not in (None, design):
        yield "its bootstrap is not the one of its test patients (design)"
    for what, mine, theirs in (
        ("scored classes", said.scored_classes, again.scored_classes),
        ("metric version", said.metric_version, again.metric_version),
    ):
        if mine != theirs:
            yield f"says {what} {mine}; there are {theirs}"
    if said.resamples == again.resamples and said.undefined_draws != again.undefined_draws:
        yield f"says undefined draws {said.undefined_draws}; there are {again.undefined_draws}"


def _class(mine: ClassFigures, theirs: ClassFigures, full: bool) -> Iterator[str]:
    if mine.name != theirs.name:
        yield f"says class {mine.name!r} where the label set has {theirs.name!r}"
        return
    for what, one, other in (
        ("positives", mine.positives, theirs.positives),
        ("negatives", mine.negatives, theirs.negatives),
        ("threshold", mine.threshold, theirs.threshold),
        ("effective patients", mine.patients, theirs.patients),
    ):
        unknown = what == "effective patients" and one is None  # a record of schema version 1
        if not unknown and not _same(one, other):
            yield f"says {what} {one} of {mine.name}; there are {other}"
    for metric in ("auroc", "auprc", "f1"):
        figure: Figure = getattr(mine, metric)
        yield from _figure(f"{metric} of {mine.name}", figure, getattr(theirs, metric), full)
        if not full and mine.patients is not None and mine.patients >= 2:
            yield from _limits_follow(f"{metric} of {mine.name}", figure, mine.patients)


def _figure(name: str, said: Figure | None, again: Figure | None, full: bool) -> Iterator[str]:
    if said is None or again is None:
        missing = "lacks" if said is None else "has a figure that its predictions do not give:"
        yield f"{missing} {name}"
        return
    parts = ("value", "low", "high", "se") if full else ("value",)
    for part in parts:
        one, other = getattr(said, part), getattr(again, part)
        unknown = part == "se" and one is None  # a record of schema version 1
        if not unknown and not _same(one, other):
            label = name if part == "value" else f"{name} ({part})"
            yield f"says {label} {one}; its predictions give {other}"


def _replicates(
    name: str, said: Mapping[str, Replicates], again: Mapping[str, Replicates], count: int
) -> Iterator[str]:
    if name not in said or name not in again:
        return
    one, other = unpack(said[name]), unpack(again[name])
    if len(one) != count:
        yield f"has {len(one)} replicates of {name} for {count} resamples"
        return
    grid = said[name].step + again[name].step
    first = one[: len(other)]
    same = np.isclose(first, other, rtol=0, atol=grid, equal_nan=True)
    if not same.all():
        yield f"its replicates of {name} differ on {int((~same).sum())} of {len(other)} resamples"


def _follows(name: str, said: Figure, result: Result) -> Iterator[str]:
    """A macro figure's standard error and interval follow from its stored replicates."""
    item = evidence_of(result, name)
    if item is None or said.se is None or said.low is None or said.high is None:
        return
    alone = Runs.of([[item]])
    se, (low, high) = patients_alone(alone).se, interval_of(alone, "weights")
    for part, one, other in (
        ("se", said.se, se),
        ("low", said.low, low),
        ("high", said.high, high),
    ):
        if not abs(one - other) <= GRID:
            yield f"says {name} ({part}) {one}; its replicates give {other:.6f}"


def _limits_follow(name: str, said: Figure, patients: float) -> Iterator[str]:
    """A class's interval follows from its standard error and its patients."""
    if said.value is None or said.se is None or said.low is None or said.high is None:
        return
    low, high = limits(said.value, Error(said.se, patients - 1), patients)
    if abs(low - said.low) > 1e-6 or abs(high - said.high) > 1e-6:
        yield f"says {name} {said.low} to {said.high}; its standard error gives {low} to {high}"


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE * max(1.0, abs(other))
