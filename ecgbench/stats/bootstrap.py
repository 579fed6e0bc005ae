"""Patient bootstrap of a test split: a metric on resamples of the patients, and its interval.

The draws give the standard error; the interval is built on the logit scale with Student's t, whose
degrees of freedom come from the effective number of patients per class (Satterthwaite's formula
for a mean over classes). Plain percentile intervals cover too little where positives are few; the
coverage of each construction stands in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.base.errors import MetricError
from ecgbench.metrics.weighted import Weights
from ecgbench.stats.components import patients_alone
from ecgbench.stats.evidence import Evidence, Runs
from ecgbench.stats.intervals import Span, limits
from ecgbench.stats.resample import Design

Values = NDArray[np.float64]
Statistic = Callable[[Weights], Values]

MIN_PATIENTS = 2.0
"""A class with fewer effective patients has no spread to speak of, and no interval of its own."""


@dataclass(frozen=True)
class Bootstrap:
    """A metric's values on the test split and on its resamples.

    Attributes:
        point: [classes] value on the split itself, NaN where undefined.
        draws: [classes, resamples], NaN where a resample lacks a class's positives or negatives.
        patients: [classes] effective number of patients, the smaller of those with positives and
            those with negatives; patients with many records count for less than their records.
        key: Equal keys mean the same patients and the same resamples.
    """

    point: Values
    draws: Values
    patients: Values
    key: str

    @property
    def scored(self) -> NDArray[np.bool_]:
        """[classes] whether the class is defined on the split itself."""
        return ~np.isnan(self.point)

    @property
    def means(self) -> Values:
        """``[resamples]`` mean over the scored classes that a resample defines; NaN for none."""
        return _means(self.draws[self.scored])

    def only(self, classes: ArrayLike) -> Bootstrap:
        """The same for some classes, given by a mask or by numbers."""
        kept = np.asarray(classes)
        return replace(
            self, point=self.point[kept], draws=self.draws[kept], patients=self.patients[kept]
        )


class Interval(NamedTuple):
    """A value with its interval; NaN limits where the split says nothing about the spread.

    Attributes:
        value: On the split itself.
        low: Lower limit.
        high: Upper limit.
        se: Standard error, corrected for few patients.
        undefined: Resamples in which a scored class was undefined, summed over classes.
        scored: Classes that the value is of.
    """

    value: float
    low: float
    high: float
    se: float
    undefined: int
    scored: int


def bootstrap(
    statistics: Mapping[str, Statistic], design: Design, patients: Values
) -> dict[str, Bootstrap]:
    """Evaluate metrics on the split and on the same resamples of its patients.

    Args:
        statistics: By name, from weights ``[records, resamples]`` (how often a resample draws each
            record) to values ``[classes, resamples]``, e.g. a metric of
            :mod:`ecgbench.metrics.weighted` with its labels and scores bound.
        design: The resamples.
        patients: ``[classes]`` effective number of patients of each class.
    """
    once = np.ones((len(design.patient_of), 1), dtype=np.float32)
    draws: dict[str, list[Values]] = {name: [] for name in statistics}
    for weights in design.weights():
        for name, statistic in statistics.items():
            draws[name].append(statistic(weights))
    return {
        name: Bootstrap(
            statistic(once)[:, 0], np.concatenate(draws[name], axis=1), patients, design.key
        )
        for name, statistic in statistics.items()
    }


def class_intervals(result: Bootstrap, level: float = 0.95) -> list[Interval]:
    """One interval a class, in the order of classes."""
    return [macro_interval(result.only([k]), level) for k in range(len(result.point))]


def macro_interval(result: Bootstrap, level: float = 0.95) -> Interval:
    """Interval of the mean over the scored classes, of the trained model at hand.

    A resample that lacks a class is averaged over the others, and counted.

    Args:
        result: Of a metric between 0 and 1.
        level: Coverage aimed at.

    Returns:
        Limits within 0 and 1. Where every record is ranked rightly (or wrongly) the draws do not
        vary, and the limits are Wilson's for a proportion of that many effective patients.

    Raises:
        MetricError: A value outside 0 to 1.
    """
    kept = result.only(result.scored)
    undefined = int(np.isnan(kept.draws).sum())
    if not len(kept.point):
        return Interval(np.nan, np.nan, np.nan, np.nan, undefined, 0)
    item = evidence_of(kept)
    if not 0.0 <= item.value <= 1.0:
        raise MetricError(f"a value of {item.value:.6g} has no interval between 0 and 1")
    error = patients_alone(Runs.of([[item]]))
    span = limits(item.value, error, float(kept.patients.min()), level)
    if item.value in (0.0, 1.0) and np.isnan(
        error.se
    ):  # the end of the scale is a limit all the same
        span = Span(np.nan, 1.0) if item.value == 1.0 else Span(0.0, np.nan)
    return Interval(item.value, *span, error.se, undefined, len(kept.point))


def evidence_of(result: Bootstrap) -> Evidence:
    """The mean over the scored classes with what comparisons need; at least one class is scored."""
    kept = result.only(result.scored)
    known = (kept.patients >= MIN_PATIENTS) & ((~np.isnan(kept.draws)).sum(axis=1) >= 2)
    spread = [float(np.var(row[~np.isnan(row)], ddof=1)) for row in kept.draws[known]]
    return Evidence(float(kept.point.mean()), kept.means, np.array(spread), kept.patients[known])


def evidence_of_drop(whole: Bootstrap, group: Bootstrap) -> Evidence:
    """How far the mean over classes falls from a whole split to a group of its patients.

    Args:
        whole: On shared resamples (:class:`ecgbench.stats.resample.SharedDesign`).
        group: The same classes on the same resamples, restricted to the group.

    Returns:
        Whole minus group over the classes that both score, resample by resample over the classes that
        both define. The effective patients are the group's.
    """
    both = whole.scored & group.scored
    falls = Bootstrap(
        whole.point - group.point, whole.draws - group.draws, group.patients, group.key
    )
    return evidence_of(falls.only(both))


def percentile_interval(result: Bootstrap, level: float = 0.95) -> Interval:
    """Plain percentile interval of one figure: for medians, which are not numbers from 0 to 1.

    No standard error: on a scale of whole numbers a median's resamples are too coarse for one.
    """
    value, draws = float(result.point[0]), result.draws[0]
    defined = draws[~np.isnan(draws)]
    tail = 50 * (1 - level)
    low, high = np.percentile(defined, [tail, 100 - tail]) if len(defined) > 1 else (np.nan, np.nan)
    return Interval(value, float(low), float(high), np.nan, len(draws) - len(defined), 1)


def _means(draws: Values) -> Values:
    """``[resamples]`` mean over the classes that a resample defines."""
    defined = ~np.isnan(draws)
    count = defined.sum(axis=0)
    means: Values = np.full(draws.shape[1], np.nan)
    np.divide(np.where(defined, draws, 0.0).sum(axis=0), count, out=means, where=count > 0)
    return means
