"""The standard error of a mean over runs, for two statements that are never mixed.

Of *these weights*: the trained models are given, the test patients are a sample. The error is that of
the patient bootstrap.

Of the *procedure*: seeds and draws of the training records are a sample too, and the statement is about
all seeds and draws that could have been taken. Every run of a row is scored on the same patients, so
the variance of the mean over S seeds and D draws has the components

    patients + MS(seeds) / SD + max(0, MS(draws) - MS(rest)) / SD

The mean squares are those of an analysis of variance of the S x D figures without replication. They
already contain the luck that each single run has with the test patients, so only the part of the
patients that all runs share is added: the mean covariance, over resamples, of two runs with neither seed
nor draw in common. The degrees of freedom are Satterthwaite's (1946). The multi-bootstrap (Sellam and
others 2022), which resamples patients, seeds and draws together, estimates the same variance; it needs
many seeds, where this form needs three (docs/statistics.md).
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgbench.stats.evidence import Runs, few_patients
from ecgbench.stats.intervals import NOTHING, UNKNOWN, Error, Span, limits, plain_limits

Values = NDArray[np.float64]
Statement = Literal["weights", "procedure"]
STATEMENTS: tuple[Statement, ...] = ("weights", "procedure")

MIN_SEEDS = 3
"""Rows with fewer seeds say nothing of a procedure: two seeds know their spread to a factor of thirty."""


class Training(NamedTuple):
    """Variance of the mean over runs that training causes.

    Attributes:
        seeds: Mean square of seeds over the number of runs.
        draws: Mean square of draws over the number of runs.
        rest: Mean square of what neither explains, over the number of runs.
    """

    seeds: float
    draws: float
    rest: float


def error_of(runs: Runs, statement: Statement) -> Error:
    """Standard error of the mean over runs.

    Args:
        runs: Of one row, or their differences from other runs.
        statement: What the error is of.

    Returns:
        NaN where fewer than two resamples are defined, no class has an effective number of patients, or
        the procedure has fewer than :data:`MIN_SEEDS` seeds.
    """
    if statement == "procedure" and runs.seeds < MIN_SEEDS:
        return UNKNOWN
    return patients_alone(runs) if statement == "weights" else with_training(runs)


def interval_of(runs: Runs, statement: Statement) -> Span:
    """The 95 % interval of the mean over runs of a figure between 0 and 1."""
    error = error_of(runs, statement)
    return limits(runs.value, error, float(runs.patients.min())) if len(runs.patients) else NOTHING


def interval_of_drop(runs: Runs, statement: Statement) -> Span:
    """The 95 % interval of a mean difference between paired runs (:meth:`Runs.minus`).

    Of the patients it has the normal distribution's quantiles, as every paired comparison has.
    """
    if statement == "procedure" and runs.seeds < MIN_SEEDS:
        return NOTHING
    error = patients_alone(runs) if statement == "weights" else with_training(runs, paired=True)
    if statement == "weights":
        error = Error(error.se, math.inf)
    return plain_limits(runs.value, error) if math.isfinite(error.se) else NOTHING


def patients_alone(runs: Runs) -> Error:
    """Standard error of the mean of these runs over other patients."""
    draws = defined(runs.replicates)
    if draws.shape[-1] < 2 or not len(runs.spread):
        return UNKNOWN
    inflation, freedom = few_patients(runs.spread, runs.patients)
    return Error(math.sqrt(float(draws.mean(axis=(0, 1)).var(ddof=1)) * inflation), freedom)


def with_training(runs: Runs, paired: bool = False) -> Error:
    """Standard error over other patients, seeds (of two or more) and draws (of two or more).

    Args:
        runs: Of one row.
        paired: Whether the figures are differences: the patients' part then counts as known.
    """
    draws = defined(runs.replicates)
    if draws.shape[-1] < 2 or not len(runs.spread):
        return UNKNOWN
    inflation, freedom = few_patients(runs.spread, runs.patients)
    patients = inflation * max(0.0, shared_by_runs(draws))
    part = training(runs.values)
    seeds, drawn = runs.values.shape
    total = patients + part.seeds + max(0.0, part.draws - part.rest)
    if total == 0.0:
        return Error(0.0, math.inf)
    squares = [
        (part.seeds, seeds - 1),
        (part.draws, drawn - 1),
        (part.rest, (seeds - 1) * (drawn - 1)),
        (patients, math.inf if paired else freedom),
    ]
    return Error(math.sqrt(total), satterthwaite(total, squares))


def satterthwaite(total: float, squares: list[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of independent mean squares, each with its own."""
    below = sum(square**2 / freedom for square, freedom in squares if square > 0)
    return total**2 / below if below > 0 else math.inf


def training(values: Values) -> Training:
    """Mean squares of ``[seeds, draws]`` figures over their number; 0 for a factor of one level."""
    seeds, draws = values.shape
    of_seed, of_draw = values.mean(axis=1), values.mean(axis=0)
    rest = values - of_seed[:, None] - of_draw[None, :] + values.mean()
    freedom = (seeds - 1) * (draws - 1)
    return Training(
        float(of_seed.var(ddof=1)) / seeds if seeds > 1 else 0.0,
        float(of_draw.var(ddof=1)) / draws if draws > 1 else 0.0,
        float((rest**2).sum()) / freedom / values.size if freedom else 0.0,
    )


def shared_by_runs(replicates: Values) -> float:
    """Mean covariance over resamples of two runs with neither seed nor draw in common.

    Args:
        replicates: ``[seeds, draws, resamples]``, all defined. A factor of one level is common to all
            runs and disregarded; of a single run the variance is meant.
    """
    seeds, draws, _ = replicates.shape
    if seeds == draws == 1:
        return float(replicates[0, 0].var(ddof=1))
    total = float(replicates.sum(axis=(0, 1)).var(ddof=1))
    alone = float(replicates.var(axis=2, ddof=1).sum())
    if seeds == 1 or draws == 1:
        runs = seeds * draws
        return float((total - alone) / (runs * (runs - 1)))
    same_seed = float(replicates.sum(axis=1).var(axis=1, ddof=1).sum())
    same_draw = float(replicates.sum(axis=0).var(axis=1, ddof=1).sum())
    pairs = seeds * (seeds - 1) * draws * (draws - 1)
    return float((total - same_seed - same_draw + alone) / pairs)


def defined(replicates: Values) -> Values:
    """The resamples on which every run is defined."""
    lost = np.isnan(replicates).any(axis=tuple(range(replicates.ndim - 1)))
    return replicates[..., ~lost] if lost.any() else replicates
