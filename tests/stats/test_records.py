"""Figures of records, not of classes: means, ratios of sums, medians."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from ecgbench.base.errors import MetricError
from ecgbench.metrics import weighted
from ecgbench.stats.bootstrap import (
    Bootstrap,
    Statistic,
    bootstrap,
    evidence_of,
    macro_interval,
    percentile_interval,
)
from ecgbench.stats.evidence import Runs
from ecgbench.stats.pairs import compare
from ecgbench.stats.resample import Design

RNG = np.random.default_rng(1)
PATIENTS = [f"p{number}" for number in RNG.integers(0, 60, 90)]
VALUES = np.round(RNG.random(90), 2)


def boot(statistic: Statistic, resamples: int = 40, patients: list[str] = PATIENTS) -> Bootstrap:
    design = Design.of(patients, resamples, 0)
    effective = np.array([design.effective_patients()])
    return bootstrap({"it": statistic}, design, effective)["it"]


def resamples(count: int = 40) -> list[list[int]]:
    weights = np.concatenate(list(Design.of(PATIENTS, count, 0).weights()), axis=1)
    return [np.repeat(np.arange(90), w.astype(int)).tolist() for w in weights.T]


@pytest.mark.parametrize(
    ("metric", "plain"), [(weighted.mean, np.mean), (weighted.median, np.median)]
)
def test_draws_are_means_and_medians_of_the_records_drawn(metric, plain) -> None:  # type: ignore[no-untyped-def]
    result = boot(partial(metric, VALUES))
    np.testing.assert_allclose(result.point, plain(VALUES))
    for b, rows in enumerate(resamples()):
        np.testing.assert_allclose(result.draws[:, b], plain(VALUES[rows]))


def test_sums_become_figures() -> None:
    counts = RNG.integers(0, 5, (90, 3))

    def f1(weights):  # type: ignore[no-untyped-def]
        hits, said, wanted = weighted.sums(counts, weights)
        return (2 * hits / (said + wanted))[None]

    result = boot(f1)
    for b, rows in enumerate(resamples()):
        hits, said, wanted = counts[rows].sum(axis=0)
        assert result.draws[0, b] == pytest.approx(2 * hits / (said + wanted))


def test_the_standard_error_of_a_mean_of_independent_records_is_the_textbooks() -> None:
    result = boot(partial(weighted.mean, VALUES), 4000, [str(number) for number in range(90)])
    assert macro_interval(result).se == pytest.approx(VALUES.std(ddof=1) / np.sqrt(90), rel=0.04)
    assert result.patients.tolist() == [90]


def test_many_records_of_one_patient_count_for_less() -> None:
    design = Design.of(["a", "a", "a", "b", "c"], 10)
    assert design.effective_patients() == pytest.approx(25 / 11)
    assert design.effective_patients(np.array([True, False, False, True, True])) == 3
    assert design.effective_patients(np.zeros(5, np.bool_)) == 0


def test_means_are_paired_like_classes() -> None:
    figures = (VALUES * 0.9 + 0.1, VALUES * 0.9)
    found = [evidence_of(boot(partial(weighted.mean, one))) for one in figures]
    pairs = compare([Runs.of([[item]]) for item in found], "weights")
    assert pairs.difference[0, 1] == pytest.approx(0.1)
    assert pairs.se[0, 1] < 1e-12


def test_figures_beyond_one_have_percentile_intervals() -> None:
    result = boot(partial(weighted.median, VALUES * 100), 500)
    interval = percentile_interval(result)
    assert interval.low < interval.value < interval.high
    assert (interval.low, interval.high) == tuple(np.percentile(result.draws, [2.5, 97.5]))
    assert np.isnan(interval.se)
    with pytest.raises(MetricError, match="between 0 and 1"):
        macro_interval(result)
