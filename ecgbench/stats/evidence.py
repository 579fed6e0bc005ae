"""A figure with its bootstrap replicates, and the figures of a row: one for each seed and draw.

All methods on a question are scored on the same resamples of its test patients, so the replicates of two
runs can be averaged, subtracted and compared resample by resample, without labels or predictions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import MetricError

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """The figure of one run with what is needed to judge it.

    Attributes:
        value: The figure.
        replicates: ``[resamples]``, NaN where undefined.
        spread: ``[k]`` variance over resamples of each scored class that has one.
        patients: ``[k]`` effective patients of those classes, two or more.
    """

    value: float
    replicates: Values
    spread: Values
    patients: Values


@dataclass(frozen=True)
class Runs:
    """The figures of a row: every seed with every draw of the training records.

    Attributes:
        values: ``[seeds, draws]``.
        replicates: ``[seeds, draws, resamples]``, NaN where undefined.
        spread: ``[k]`` variance over resamples of each scored class, mean over runs.
        patients: ``[k]`` effective patients of those classes, two or more.
    """

    values: Values
    replicates: Values
    spread: Values
    patients: Values

    @classmethod
    def of(cls, grid: Sequence[Sequence[Evidence]]) -> Runs:
        """Runs of equal resamples.

        Args:
            grid: ``[seeds][draws]``.

        Raises:
            MetricError: No run, seeds with unequal numbers of draws, or unequal numbers of resamples.
        """
        flat = [run for row in grid for run in row]
        shapes = {run.replicates.shape for run in flat}
        if not flat or len({len(row) for row in grid}) != 1 or len(shapes) != 1:
            raise MetricError("runs are a grid of seeds and draws on the same resamples")
        same_classes = len({len(run.spread) for run in flat}) == 1
        return cls(
            np.array([[run.value for run in row] for row in grid]),
            np.array([[run.replicates for run in row] for row in grid]),
            np.mean([run.spread for run in flat], axis=0) if same_classes else flat[0].spread,
            flat[0].patients,
        )

    @property
    def seeds(self) -> int:
        """How many."""
        return len(self.values)

    @property
    def draws(self) -> int:
        """How many."""
        return len(self.values[0])

    @property
    def value(self) -> float:
        """Mean over the runs."""
        return math.fsum(self.values.ravel().tolist()) / self.values.size

    def over_draws(self) -> Runs:
        """Seeds averaged within each draw: one seed, for a question about draws alone."""
        return Runs(
            self.values.mean(axis=0, keepdims=True),
            self.replicates.mean(axis=0, keepdims=True),
            self.spread,
            self.patients,
        )

    def over_seeds(self) -> Runs:
        """Draws averaged within each seed: one draw, for a question about seeds alone."""
        return Runs(
            self.values.mean(axis=1, keepdims=True),
            self.replicates.mean(axis=1, keepdims=True),
            self.spread,
            self.patients,
        )

    def minus(self, other: Runs) -> Runs:
        """Differences run by run, e.g. of one trained model on clean and on corrupted records.

        Variances by class of the difference are not known: those of the two are added, which weighs
        the classes for the correction for few patients and nothing else.

        Raises:
            MetricError: Other seeds, draws, resamples or classes.
        """
        same = np.array_equal(self.patients, other.patients)
        if self.replicates.shape != other.replicates.shape or not same:
            raise MetricError("differences are of runs on the same resamples and classes")
        return Runs(
            self.values - other.values,
            self.replicates - other.replicates,
            self.spread + other.spread,
            self.patients,
        )


def few_patients(variance: Values, patients: Values) -> tuple[float, float]:
    """Correct a bootstrap variance for few patients.

    A bootstrap of m patients gives a variance too small by the factor (m - 1) / m, and one that is
    itself an estimate from m patients. Of several classes each counts by its share.

    Args:
        variance: [classes] over resamples.
        patients: [classes] effective numbers of patients, two or more.

    Returns:
        Factor for the variance of the mean over classes, and degrees of freedom for Student's t
        (Satterthwaite 1946).
    """
    total = float(variance.sum())
    if total == 0.0:
        least = float(patients.min())
        return least / (least - 1.0), least - 1.0
    inflation = float((variance * patients / (patients - 1.0)).sum()) / total
    return inflation, total**2 / float((variance**2 / (patients - 1.0)).sum())
