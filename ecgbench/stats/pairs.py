"""Every pair of rows compared: differences, their errors, tests and equivalence.

The patients and the draws of the training records are common to all rows, so both are paired. Seeds are
not: seed 0 of one method has nothing to do with seed 0 of another, and each row brings the spread of its
own seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.base.errors import MetricError
from ecgbench.stats.components import MIN_SEEDS, Statement, shared_by_runs, training
from ecgbench.stats.evidence import Runs
from ecgbench.stats.intervals import LEVEL

Values = NDArray[np.float64]
MARGIN = 0.01
"""Rows whose true difference is smaller than this are called equivalent."""

ROUNDING = 1e-8  # of the rows' own variances: less is what packed replicates and floats leave over


@dataclass(frozen=True)
class Pairs:
    """Comparisons of n rows.

    Attributes:
        difference: ``[n, n]`` row minus column.
        se: ``[n, n]`` standard error of the difference; NaN where nothing is known, and on the diagonal.
        freedom: ``[n, n]`` degrees of freedom of Student's t; infinite for the normal distribution.
    """

    difference: Values
    se: Values
    freedom: Values

    def p_values(self) -> Values:
        """``[n, n]`` two-sided, of no difference, uncorrected; NaN where nothing can be said."""
        from scipy.special import stdtr

        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * stdtr(self.freedom, -np.abs(self.difference) / self.se)
        # Equal on every resample: the same predictions. Different, yet always by the same: unjudged.
        unjudged = np.where(self.se > 0, p, np.nan)
        return np.where((self.difference == 0) & ~np.isnan(self.se), 1.0, unjudged)

    def separated(self, level: float = LEVEL) -> NDArray[np.bool_]:
        """``[n, n]`` whether two rows differ, with Holm's correction over all pairs."""
        return _corrected(self.p_values(), level)

    def equivalent(self, margin: float = MARGIN, level: float = LEVEL) -> NDArray[np.bool_]:
        """``[n, n]`` whether two rows differ by less than a margin, with Holm's correction.

        Two one-sided tests (Schuirmann 1987): both that the difference is not below the margin and that
        it is not above minus the margin are rejected.
        """
        from scipy.special import stdtr

        with np.errstate(divide="ignore", invalid="ignore"):
            p = stdtr(self.freedom, -(margin - np.abs(self.difference)) / self.se)
        same = (self.difference == 0) & (self.se == 0)
        return _corrected(np.where(self.se > 0, p, np.where(same, 0.0, np.nan)), level)

    def smallest_separable(self, level: float = LEVEL) -> float:
        """The difference that an uncorrected test separates: the median over pairs; NaN for none.

        A pair with an error of 0 says the same on every resample, and is left out.
        """
        from scipy.special import stdtrit

        upper = np.triu_indices(len(self.se), 1)
        se, freedom = self.se[upper], self.freedom[upper]
        known = se > 0
        if not known.any():
            return float("nan")
        return float(np.median(stdtrit(freedom[known], 1 - level / 2) * se[known]))


def compare(rows: Sequence[Runs], statement: Statement) -> Pairs:
    """Compare every row with every other.

    Args:
        rows: Scored on the same resamples, with the same draws.
        statement: Of the procedure, rows with fewer than ``MIN_SEEDS`` seeds compare with nobody.

    Raises:
        MetricError: Rows of other draws or resamples.
    """
    if not rows:
        empty = np.zeros((0, 0))
        return Pairs(empty, empty, empty)
    draws = {row.draws for row in rows} if statement == "procedure" else set()
    if len(draws) > 1 or len({row.replicates.shape[2] for row in rows}) > 1:
        raise MetricError("rows are compared on the same draws and the same resamples")
    values = np.array([row.value for row in rows])
    variance, freedom = _of_weights(rows) if statement == "weights" else _of_procedure(rows)
    np.fill_diagonal(variance, np.nan)
    return Pairs(values[:, None] - values[None, :], np.sqrt(variance), freedom)


def holm(p_values: ArrayLike) -> Values:
    """Holm's step-down correction for several comparisons.

    Args:
        p_values: [comparisons]; NaN stays NaN but counts as a comparison.

    Returns:
        [comparisons] adjusted values, to be held against the level itself.

    Raises:
        MetricError: Values outside 0 to 1.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    if raw.ndim != 1 or (raw < 0).any() or (raw > 1).any():
        raise MetricError("p-values are a list of numbers from 0 to 1")
    order = np.argsort(raw, kind="stable")  # NaN last
    steps = raw[order] * np.arange(len(raw), 0, -1)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _corrected(p: Values, level: float) -> NDArray[np.bool_]:
    found = np.zeros(p.shape, np.bool_)
    upper = np.triu_indices(len(p), 1)
    if len(upper[0]):
        found[upper] = holm(p[upper]) < level  # NaN is not below
    return found | found.T


def _of_weights(rows: Sequence[Runs]) -> tuple[Values, Values]:
    """Variances ``[n, n]`` over patients, and degrees of freedom."""
    means = np.array([found.mean(axis=(0, 1)) for found in _defined_in_all(rows)])
    variance = _differences(_covariance(means)) * _inflation(rows)
    return variance, np.full(variance.shape, np.inf)


def _of_procedure(rows: Sequence[Runs]) -> tuple[Values, Values]:
    """Variances ``[n, n]`` over patients, seeds and draws, and degrees of freedom.

    The same components as of one row (:mod:`ecgbench.stats.components`), seeds by row and all else of
    the difference.
    """
    drawn = rows[0].draws
    parts = [training(row.values) for row in rows]
    seeds, rest = (np.array([part[k] for part in parts]) for k in (0, 2))
    free = np.array([max(row.seeds - 1.0, 1.0) for row in rows])
    of_draw = np.array([row.values.mean(axis=0) for row in rows])
    draws = _differences(_covariance(of_draw)) / drawn if drawn > 1 else np.zeros((len(rows),) * 2)
    patients = np.maximum(0.0, _differences(_shared(rows))) * _inflation(rows)
    variance = patients + _sums(seeds) + np.maximum(0.0, draws - _sums(rest))
    more = max(drawn - 1, 1)
    below = _sums(seeds**2 / free) + draws**2 / more + _sums(rest**2 / (free * more))
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(below > 0, variance**2 / below, np.inf)
    few = np.array([row.seeds < MIN_SEEDS for row in rows])
    variance[few, :] = variance[:, few] = np.nan
    return variance, freedom


def _shared(rows: Sequence[Runs]) -> Values:
    """``[n, n]`` mean covariance over resamples of two runs without a seed or a draw in common."""
    found, drawn = _defined_in_all(rows), rows[0].draws
    covariance = _covariance(np.array([one.mean(axis=(0, 1)) for one in found]))
    if drawn > 1:
        by_draw = np.array([one.mean(axis=0) for one in found])
        same = np.sum([_covariance(by_draw[:, d]) for d in range(drawn)], axis=0)
        covariance = (drawn**2 * covariance - same) / (drawn * (drawn - 1))
    for i, one in enumerate(found):  # a row with itself shares its seeds, too
        covariance[i, i] = shared_by_runs(one) if one.shape[2] > 1 else np.nan
    return covariance


def _defined_in_all(rows: Sequence[Runs]) -> list[Values]:
    """Each row's replicates on the resamples on which every run of every row is defined."""
    lost = np.any([np.isnan(row.replicates).any(axis=(0, 1)) for row in rows], axis=0)
    return [row.replicates[:, :, ~lost] for row in rows]


def _inflation(rows: Sequence[Runs]) -> Values:
    """``[n, n]`` correction for few patients; NaN where two rows are of different classes.

    Variances by class of a difference are not stored: those of the two rows are added.
    """
    total = np.array([row.spread.sum() for row in rows])
    raised = np.array([(row.spread * row.patients / (row.patients - 1)).sum() for row in rows])
    least = np.array([row.patients.min(initial=np.inf) for row in rows])
    classes = np.array([len(row.spread) for row in rows])
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(_sums(total) > 0, _sums(raised) / _sums(total), (least / (least - 1)))
    comparable = (classes[:, None] == classes[None, :]) & (classes > 0)
    return np.where(comparable, factor, np.nan)


def _differences(covariance: Values) -> Values:
    """``[n, n]`` variances of differences; what rounding leaves over is 0."""
    alone = _sums(np.diag(covariance))
    variance = alone - 2 * covariance
    return np.where(np.abs(variance) <= ROUNDING * alone, 0.0, variance)


def _covariance(draws: Values) -> Values:
    """``[n, n]`` of ``[n, resamples]``; NaN where there are fewer than two."""
    if draws.shape[1] < 2:
        return np.full((len(draws),) * 2, np.nan)
    return np.atleast_2d(np.cov(draws, ddof=1))


def _sums(values: Values) -> Values:
    return np.asarray(values[:, None] + values[None, :], np.float64)
