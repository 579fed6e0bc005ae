from __future__ import annotations

import numpy as np
import pytest

from ecgbench.base.errors import MetricError
from ecgbench.stats.bootstrap import class_intervals, compare, macro_interval
from ecgbench.stats.records import (
    bootstrap_means,
    bootstrap_medians,
    bootstrap_sums,
    percentile_intervals,
)
from ecgbench.stats.resample import Design

RNG = np.random.default_rng(1)
PATIENTS = [f"p{number}" for number in RNG.integers(0, 60, 90)]
VALUES = np.round(RNG.random((90, 2)), 2)


def resamples(count: int = 40) -> list[list[int]]:
    weights = np.concatenate(list(Design.of(PATIENTS, count, 0).weights()), axis=1)
    return [np.repeat(np.arange(90), w.astype(int)).tolist() for w in weights.T]


def test_draws_are_means_and_medians_of_the_records_drawn() -> None:
    means = bootstrap_means(VALUES, PATIENTS, 40)
    medians = bootstrap_medians(VALUES, PATIENTS, 40)
    np.testing.assert_allclose(means.point, VALUES.mean(axis=0))
    np.testing.assert_allclose(medians.point, np.median(VALUES, axis=0))
    for b, rows in enumerate(resamples()):
        np.testing.assert_allclose(means.draws[:, b], VALUES[rows].mean(axis=0))
        np.testing.assert_allclose(medians.draws[:, b], np.median(VALUES[rows], axis=0))


def test_sums_become_figures() -> None:
    counts = RNG.integers(0, 5, (90, 3))
    result = bootstrap_sums(counts, lambda t: (2 * t[:1]) / (t[1:2] + t[2:]), PATIENTS, 40)
    for b, rows in enumerate(resamples()):
        hits, said, wanted = counts[rows].sum(axis=0)
        assert result.draws[0, b] == pytest.approx(2 * hits / (said + wanted))


def test_the_standard_error_of_a_mean_of_independent_records_is_the_textbooks() -> None:
    alone = [str(number) for number in range(90)]
    result = bootstrap_means(VALUES, alone, 4000)
    for k, interval in enumerate(class_intervals(result)):
        assert interval.se == pytest.approx(VALUES[:, k].std(ddof=1) / np.sqrt(90), rel=0.04)
    assert result.patients.tolist() == [90, 90]


def test_means_are_paired_like_classes() -> None:
    first = bootstrap_means(VALUES[:, :1] + 0.1, PATIENTS)
    found = compare(first, bootstrap_means(VALUES[:, :1], PATIENTS))
    assert found.difference == pytest.approx(0.1)
    assert found.se < 1e-12


def test_figures_beyond_one_have_percentile_intervals() -> None:
    result = bootstrap_medians(VALUES * 100, PATIENTS, 500)
    for interval in percentile_intervals(result):
        assert interval.low < interval.value < interval.high
    with pytest.raises(MetricError, match="between 0 and 1"):
        macro_interval(result)


def test_bad_input_is_refused() -> None:
    with pytest.raises(MetricError, match="NaN"):
        bootstrap_means(np.full((90, 1), np.nan), PATIENTS)
    with pytest.raises(MetricError, match="90 records"):
        bootstrap_means(VALUES[:5], PATIENTS)
