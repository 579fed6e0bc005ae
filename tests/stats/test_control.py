from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import ttest_1samp

from ecgbench.metrics import weighted
from ecgbench.stats.bootstrap import Bootstrap, few_patients, macro_interval, mean_of
from ecgbench.stats.control import error_over_draws

from .classes import bootstrap_classes

Values = NDArray[np.float64]


def test_draws_that_share_no_luck_of_the_patients_are_a_t_test() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.5, 0.05, 6)
    se, freedom = error_over_draws(values, np.tile(values[:, None], 100), 1.0, 50.0)
    wanted = ttest_1samp(values, 0.5)
    assert freedom == pytest.approx(wanted.df)
    assert (values.mean() - 0.5) / se == pytest.approx(wanted.statistic)


def test_draws_that_agree_leave_the_spread_over_patients() -> None:
    luck = np.random.default_rng(0).normal(0, 0.03, 1000)
    se, freedom = error_over_draws(np.full(4, 0.6), 0.6 + np.tile(luck, (4, 1)), 1.2, 40.0)
    assert se == pytest.approx(np.sqrt(1.2 * luck.var(ddof=1)))
    assert freedom == pytest.approx(40.0)


def test_undefined_resamples_are_left_out() -> None:
    rng = np.random.default_rng(1)
    values, drawn = rng.normal(size=3), rng.normal(size=(3, 50)) + rng.normal(size=50)
    holed = np.concatenate([drawn, np.full((3, 5), np.nan)], axis=1)
    holed[0, -1] = 9.0
    assert error_over_draws(values, holed, 1.0, 9.0) == error_over_draws(values, drawn, 1.0, 9.0)


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_the_interval_covers_whatever_the_draws_share(shared: float) -> None:
    """Five draws around 0.5; ``shared`` is the part of the patients' luck that all draws have."""
    rng = np.random.default_rng([3, int(10 * shared)])
    sets, draws, draw_sd, patient_sd = 4000, 5, 0.03, 0.02
    covered = 0
    for _ in range(sets):
        luck = rng.normal(0, patient_sd, (draws, 1)) * np.sqrt(1 - shared)
        values = 0.5 + rng.normal(0, draw_sd, draws) + luck[:, 0]
        values += np.sqrt(shared) * rng.normal(0, patient_sd)
        again = np.sqrt(shared) * rng.normal(0, patient_sd, 200)
        again = again + np.sqrt(1 - shared) * rng.normal(0, patient_sd, (draws, 200))
        se, freedom = error_over_draws(values, values[:, None] + again, 1.0, 200.0)
        covered += abs(values.mean() - 0.5) <= stdtrit(freedom, 0.975) * se
    assert covered / sets == pytest.approx(0.95, abs=0.015)


def shuffled(rng: np.random.Generator, skewed: bool) -> list[Bootstrap]:
    """Five draws of a linear map learnt from dealt labels, scored on one small test split.

    The features know the true labels well, so a map learnt from dealt ones is right or wrong by luck.
    """
    train, test, width = 80, 200, 12
    prevalence = np.array([0.05, 0.1, 0.2, 0.4])
    meaning = rng.normal(size=(4, width))

    def records(count: int) -> tuple[NDArray[np.uint8], Values]:
        labels = (rng.random((count, 4)) < prevalence).astype(np.uint8)
        labels[0], labels[1] = 1, 0
        noise = rng.normal(size=(count, width))
        return labels, labels @ meaning + (np.exp(noise) if skewed else noise)

    (known, features), (truth, asked) = records(train), records(test)
    patients = [f"p{i // 2:04d}" for i in range(test)]
    found = []
    for _ in range(5):
        dealt = rng.permutation(known, axis=0).astype(float)
        scores = asked @ (features - features.mean(axis=0)).T @ (dealt - dealt.mean(axis=0))
        found.append(bootstrap_classes(truth, scores, patients, weighted.auroc, 100, 0))
    return found


@pytest.mark.slow
def test_shuffled_labels_come_out_at_chance() -> None:
    """The whole way from dealt labels: this interval covers, the one over patients alone does not."""
    rng = np.random.default_rng(17)
    sets, covered, patients_only = 150, 0, 0
    for _ in range(sets):
        runs = shuffled(rng, skewed=False)
        values = np.array([run.point.mean() for run in runs])
        variance = np.mean([np.nanvar(run.draws, axis=1, ddof=1) for run in runs], axis=0)
        drawn = np.array([np.nanmean(run.draws, axis=0) for run in runs])
        se, freedom = error_over_draws(values, drawn, *few_patients(variance, runs[0].patients))
        covered += abs(values.mean() - 0.5) <= stdtrit(freedom, 0.975) * se
        interval = macro_interval(mean_of(runs))
        patients_only += interval.low <= 0.5 <= interval.high
    assert 0.90 <= covered / sets <= 0.99
    assert patients_only / sets < 0.6
