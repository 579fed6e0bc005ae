"""Patient bootstrap of a test split: intervals for one method, paired comparison of two.

The draws give the standard error; the interval is built on the logit scale with Student's t, whose
degrees of freedom come from the effective number of patients per class (Satterthwaite's formula
for a mean over classes). Plain percentile intervals cover too little where positives are few; the
coverage of each construction stands in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.base.errors import MetricError
from ecgbench.metrics.weighted import Weights
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


class Comparison(NamedTuple):
    """Macro mean of one method minus another's, on the same resamples.

    Attributes:
        difference: First minus second.
        low: Lower limit.
        high: Upper limit.
        se: Standard error of the difference.
        p_value: Two-sided, of no difference.
    """

    difference: float
    low: float
    high: float
    se: float
    p_value: float


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


def mean_of(runs: Sequence[Bootstrap]) -> Bootstrap:
    """The mean over runs (seeds, draws of the training records) on one test split.

    Raises:
        MetricError: No run, or runs on different resamples.
    """
    if not runs:
        raise MetricError("no run to average")
    for other in runs[1:]:
        _check_paired(runs[0], other)
    return replace(
        runs[0],
        point=np.mean([run.point for run in runs], axis=0),
        draws=np.mean([run.draws for run in runs], axis=0),
    )


def class_intervals(result: Bootstrap, level: float = 0.95) -> list[Interval]:
    """One interval a class, in the order of classes."""
    return [macro_interval(result.only([k]), level) for k in range(len(result.point))]


def macro_interval(result: Bootstrap, level: float = 0.95) -> Interval:
    """Interval of the mean over the scored classes.

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
    value = float(kept.point.mean())
    if not 0.0 <= value <= 1.0:
        raise MetricError(f"a value of {value:.6g} has no interval between 0 and 1")
    se, freedom = _standard_error(kept.draws, kept.patients)
    if 0.0 < value < 1.0:
        reach = _t_quantile(freedom, level) * se / (value * (1.0 - value))
        middle = np.log(value / (1.0 - value))
        low, high = (float(1.0 / (1.0 + np.exp(-(middle + r)))) for r in (-reach, reach))
    else:
        z_squared = _t_quantile(np.inf, level) ** 2
        enough = bool((kept.patients >= MIN_PATIENTS).any())
        edge = z_squared / (z_squared + kept.patients.min()) if enough else np.nan
        low, high = (1.0 - edge, 1.0) if value == 1.0 else (0.0, edge)
    return Interval(value, float(low), float(high), se, undefined, len(kept.point))


def percentile_interval(result: Bootstrap, level: float = 0.95) -> Interval:
    """Plain percentile interval of one figure: for medians, which are not numbers from 0 to 1.

    No standard error: on a scale of whole numbers a median's resamples are too coarse for one.
    """
    value, draws = float(result.point[0]), result.draws[0]
    defined = draws[~np.isnan(draws)]
    tail = 50 * (1 - level)
    low, high = np.percentile(defined, [tail, 100 - tail]) if len(defined) > 1 else (np.nan, np.nan)
    return Interval(value, float(low), float(high), np.nan, len(draws) - len(defined), 1)


def compare(first: Bootstrap, second: Bootstrap, level: float = 0.95) -> Comparison:
    """Compare two methods' macro means by their differences on the same resamples.

    The standard error is corrected for few patients as an interval's is, but the quantiles are the
    normal distribution's: a difference of equals errs to both sides alike, and Student's t made the
    test reject too seldom (docs/statistics.md).

    Raises:
        MetricError: Draws of different resamples, patients or classes.
    """
    _check_paired(first, second)
    kept = first.scored
    if not kept.any():
        return Comparison(np.nan, np.nan, np.nan, np.nan, np.nan)
    difference = float(first.point[kept].mean() - second.point[kept].mean())
    se, _ = _standard_error(first.draws[kept] - second.draws[kept], first.patients[kept])
    reach = _t_quantile(np.inf, level) * se
    p_value = _two_sided(difference, se)
    return Comparison(difference, difference - reach, difference + reach, se, p_value)


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


def few_patients(variance: Values, patients: Values) -> tuple[float, float]:
    """Correct a bootstrap variance for few patients.

    A bootstrap of m patients gives a variance too small by the factor (m - 1) / m, and one that is
    itself an estimate from m patients. Of several classes each counts by its share.

    Args:
        variance: [classes] over resamples.
        patients: [classes] effective numbers of patients, ``MIN_PATIENTS`` or more.

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


def _means(draws: Values) -> Values:
    """``[resamples]`` mean over the classes that a resample defines."""
    defined = ~np.isnan(draws)
    count = defined.sum(axis=0)
    means: Values = np.full(draws.shape[1], np.nan)
    np.divide(np.where(defined, draws, 0.0).sum(axis=0), count, out=means, where=count > 0)
    return means


def _standard_error(draws: Values, patients: Values) -> tuple[float, float]:
    """Standard error of the mean over classes, and its degrees of freedom."""
    means = _means(draws)
    means = means[~np.isnan(means)]
    usable = (patients >= MIN_PATIENTS) & ((~np.isnan(draws)).sum(axis=1) >= 2)
    if len(means) < 2 or not usable.any():
        return float("nan"), float("nan")
    variance = [float(np.var(row[~np.isnan(row)], ddof=1)) for row in draws[usable]]
    inflation, freedom = few_patients(np.array(variance), patients[usable])
    return float(np.sqrt(np.var(means, ddof=1) * inflation)), freedom


def _t_quantile(freedom: float, level: float) -> float:
    from scipy.special import ndtri, stdtrit

    upper = 0.5 + level / 2
    return float(ndtri(upper) if np.isinf(freedom) else stdtrit(freedom, upper))


def _two_sided(difference: float, se: float) -> float:
    from scipy.special import ndtr

    if difference == 0.0:
        return 1.0
    if se == 0.0:
        return float("nan")  # differs, yet on no resample otherwise: nothing to judge it by
    return float(2.0 * ndtr(-abs(difference) / se))


def _check_paired(first: Bootstrap, second: Bootstrap) -> None:
    same_labels = np.array_equal(first.patients, second.patients)
    same_classes = np.array_equal(first.scored, second.scored)
    if first.key != second.key or not same_labels or not same_classes:
        raise MetricError(
            "the two methods were not scored on the same records, classes and resamples",
            "Paired comparison needs predictions for the same records and one bootstrap seed.",
        )
