from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

from ecgbench.base.errors import MetricError
from ecgbench.metrics import weighted
from ecgbench.stats.bootstrap import Bootstrap, evidence_of, macro_interval
from ecgbench.stats.components import (
    error_of,
    interval_of,
    interval_of_drop,
    patients_alone,
    shared_by_runs,
    training,
    with_training,
)
from ecgbench.stats.evidence import Evidence, Runs, few_patients
from ecgbench.stats.intervals import plain_limits

from .classes import bootstrap_classes
from .made_up import World

Values = NDArray[np.float64]
FEW = np.array([10.0])


def runs(values: Values, replicates: Values, patients: Values = FEW) -> Runs:
    return Runs(np.asarray(values), np.asarray(replicates), np.ones(len(patients)), patients)


def test_the_error_of_one_run_is_that_of_the_bootstrap_classes() -> None:
    rng = np.random.default_rng(0)
    y, s = rng.random((200, 3)) < 0.2, rng.normal(size=(200, 3))
    patients = [str(i // 2) for i in range(200)]
    found = bootstrap_classes(y, s + y, patients, weighted.auroc, 300)
    alone = Runs.of([[evidence_of(found)]])
    wanted = macro_interval(found)
    assert patients_alone(alone).se == wanted.se
    assert interval_of(alone, "weights") == (wanted.low, wanted.high)


def test_draws_that_share_no_luck_of_the_patients_are_a_t_test() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.05, (1, 6))
    error = with_training(runs(values, np.tile(values[:, :, None], 100)))
    wanted = ttest_1samp(values[0], 0.5)
    assert error.freedom == pytest.approx(wanted.df)
    assert (values.mean() - 0.5) / error.se == pytest.approx(wanted.statistic)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (3, 4)])
def test_runs_that_agree_leave_the_spread_over_patients(shape: tuple[int, int]) -> None:
    luck = np.random.default_rng(0).normal(0, 0.03, 1000)
    error = with_training(runs(np.full(shape, 0.6), 0.6 + np.tile(luck, (*shape, 1))))
    assert error.se == pytest.approx(np.sqrt(10 / 9 * luck.var(ddof=1)))
    assert error.freedom == pytest.approx(9.0)


def test_undefined_resamples_are_left_out() -> None:
    rng = np.random.default_rng(1)
    values, drawn = rng.normal(size=(1, 3)), rng.normal(size=(1, 3, 50)) + rng.normal(size=50)
    holed = np.concatenate([drawn, np.full((1, 3, 5), np.nan)], axis=2)
    holed[0, 0, -1] = 9.0
    assert with_training(runs(values, holed)) == with_training(runs(values, drawn))
    assert np.isnan(patients_alone(runs(values, np.full((1, 3, 9), np.nan))).se)


def test_mean_squares_by_hand() -> None:
    """Two seeds (means 2 and 4) and two draws (means 2.5 and 3.5), with a rest of 0.5 each."""
    part = training(np.array([[2.0, 2.0], [3.0, 5.0]]))
    assert part.seeds == pytest.approx(2.0 / 2)  # variance of 2 and 4, over two seeds
    assert part.draws == pytest.approx(0.5 / 2)
    assert part.rest == pytest.approx(4 * 0.5**2 / 4)


def test_runs_share_what_neither_seed_nor_draw_explains() -> None:
    rng = np.random.default_rng(2)
    size = 200_000
    everywhere = 1.0 * rng.normal(size=(1, 1, size))
    seed, draw = 2.0 * rng.normal(size=(3, 1, size)), 3.0 * rng.normal(size=(1, 4, size))
    own = rng.normal(size=(3, 4, size))
    assert shared_by_runs(everywhere + seed + draw + own) == pytest.approx(1.0, abs=0.15)
    assert shared_by_runs(everywhere + seed + own[:, :1]) == pytest.approx(1.0, abs=0.05)
    assert shared_by_runs(everywhere + own[:1, :1]) == pytest.approx(2.0, abs=0.02)


def test_the_multi_bootstrap_estimates_the_same_variance() -> None:
    """Many seeds and draws, patients, seeds and draws resampled together, from the raw figures by patient."""
    rng = np.random.default_rng(5)
    patients, seeds, draws, resamples = 400, 24, 20, 1500
    figures = (
        0.7
        + 0.4 * rng.normal(size=(patients, 1, 1))
        + 0.2 * rng.normal(size=(patients, seeds, 1))
        + 0.2 * rng.normal(size=(patients, 1, draws))
        + 0.05 * rng.normal(size=(1, seeds, 1))
        + 0.03 * rng.normal(size=(1, 1, draws))
        + 0.1 * rng.normal(size=(1, seeds, draws))
    )
    weights = rng.multinomial(patients, np.full(patients, 1 / patients), resamples) / patients
    drawn = np.einsum("bp,psd->sdb", weights, figures)
    found = with_training(
        Runs(figures.mean(axis=0), drawn, np.ones(1), np.array([float(patients)]))
    )
    of_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), resamples) / seeds
    of_draw = rng.multinomial(draws, np.full(draws, 1 / draws), resamples) / draws
    multi = np.einsum("sdb,bs,bd->b", drawn, of_seed, of_draw)
    assert found.se == pytest.approx(multi.std(ddof=1), rel=0.1)
    assert (
        found.se
        > 1.15
        * patients_alone(
            Runs(figures.mean(axis=0), drawn, np.ones(1), np.array([float(patients)]))
        ).se
    )


@pytest.mark.parametrize("statement", ["weights", "procedure"])
def test_three_seeds_are_needed_to_speak_of_a_procedure(statement: str) -> None:
    rng = np.random.default_rng(0)
    (two,) = World().rows(rng, np.array([0.8]), seeds=2, draws=5)
    known = statement == "weights"
    assert np.isfinite(error_of(two, statement).se) == known  # type: ignore[arg-type]
    assert np.isfinite(interval_of(two, statement).low) == known  # type: ignore[arg-type]
    assert np.isfinite(interval_of_drop(two, statement).low) == known  # type: ignore[arg-type]


def test_seeds_widen_the_statement_of_the_procedure_alone() -> None:
    rng = np.random.default_rng(3)
    (row,) = World(seed=0.05).rows(rng, np.array([0.8]), seeds=5, resamples=2000)
    assert error_of(row, "weights").se == pytest.approx(np.sqrt(0.0005 + 0.005**2 / 5), rel=0.05)
    assert error_of(row, "procedure").se > 1.5 * error_of(row, "weights").se
    assert 4 <= error_of(row, "procedure").freedom < 40
    same = Runs(np.full((3, 1), 0.8), row.replicates[:3], row.spread, row.patients)
    assert error_of(same, "procedure").se <= error_of(same, "weights").se


def test_differences_of_runs_are_paired() -> None:
    rng = np.random.default_rng(4)
    (clean,) = World(seed=0.05).rows(rng, np.array([0.8]), resamples=500)
    changed = Runs(clean.values - 0.1, clean.replicates - 0.1, clean.spread, clean.patients)
    drop = clean.minus(changed)
    assert drop.value == pytest.approx(0.1)
    for statement in ("weights", "procedure"):
        low, high = interval_of_drop(drop, statement)  # type: ignore[arg-type]
        assert low == pytest.approx(0.1)
        assert high == pytest.approx(0.1)
    with pytest.raises(MetricError, match="same resamples and classes"):
        clean.minus(World().rows(rng, np.array([0.8]), seeds=5)[0])


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_the_interval_over_draws_covers_whatever_the_draws_share(shared: float) -> None:
    """Five draws around 0.5; ``shared`` is the part of the patients' luck that all draws have."""
    rng = np.random.default_rng([3, int(10 * shared)])
    world = World(
        patients=0.02 * np.sqrt(shared), row=0, run=0.02 * np.sqrt(1 - shared), seed=0, draw=0.03
    )
    covered, sets = 0, 4000
    for _ in range(sets):
        (row,) = world.rows(rng, np.array([0.5]), seeds=1, draws=5)
        low, high = plain_limits(row.value, with_training(row))
        covered += low <= 0.5 <= high
    assert covered / sets == pytest.approx(0.95, abs=0.015)


def test_only_runs_of_the_same_resamples_are_a_grid() -> None:
    one = Evidence(0.5, np.zeros(10), np.ones(2), np.array([5.0, 6.0]))
    other = Evidence(0.5, np.zeros(9), np.ones(2), np.array([5.0, 6.0]))
    for grid in ([], [[one, one], [one]], [[one, other]]):
        with pytest.raises(MetricError, match="a grid of seeds and draws"):
            Runs.of(grid)


def test_the_correction_for_few_patients_weighs_classes_by_their_variance() -> None:
    inflation, freedom = few_patients(np.array([3.0, 1.0]), np.array([4.0, 11.0]))
    assert inflation == pytest.approx((3 * 4 / 3 + 1 * 11 / 10) / 4)
    assert freedom == pytest.approx(16 / (9 / 3 + 1 / 10))
    assert few_patients(np.zeros(2), np.array([4.0, 11.0])) == (4 / 3, 3.0)


def shuffled(rng: np.random.Generator) -> list[Bootstrap]:
    """Five draws of a linear map fitted on shuffled labels, scored on one small test split.

    The features know the true labels well, so a map learnt from dealt ones is right or wrong by luck.
    """
    train, test, width = 80, 200, 12
    prevalence = np.array([0.05, 0.1, 0.2, 0.4])
    meaning = rng.normal(size=(4, width))

    def records(count: int) -> tuple[NDArray[np.uint8], Values]:
        labels = (rng.random((count, 4)) < prevalence).astype(np.uint8)
        labels[0], labels[1] = 1, 0
        return labels, labels @ meaning + rng.normal(size=(count, width))

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
    """End to end with shuffled labels: this interval covers, the interval over patients alone does not."""
    rng = np.random.default_rng(17)
    sets, covered, patients_only = 150, 0, 0
    for _ in range(sets):
        draws = Runs.of([[evidence_of(run) for run in shuffled(rng)]])
        low, high = plain_limits(draws.value, with_training(draws))
        covered += low <= 0.5 <= high
        alone = interval_of(draws, "weights")
        patients_only += alone.low <= 0.5 <= alone.high
    assert 0.90 <= covered / sets <= 0.99
    assert patients_only / sets < 0.6
