from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, ttest_ind
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind

from ecgbench.base.errors import MetricError
from ecgbench.metrics import weighted
from ecgbench.stats.bootstrap import Bootstrap, evidence_of
from ecgbench.stats.components import error_of
from ecgbench.stats.evidence import Runs
from ecgbench.stats.pairs import MARGIN, Pairs, compare, holm

from .classes import bootstrap_classes
from .made_up import MANY, World

RNG = np.random.default_rng(3)


def of_seeds(*figures: list[float]) -> list[Runs]:
    """Rows whose seeds differ and whose test patients do not matter."""
    return [
        Runs(
            np.array(row)[:, None],
            np.array(row)[:, None, None] + np.zeros((1, 1, 40)),
            np.ones(1),
            np.array([MANY]),
        )
        for row in figures
    ]


def one_run(found: Bootstrap) -> Runs:
    return Runs.of([[evidence_of(found)]])


def test_seeds_alone_are_welchs_test() -> None:
    first, second = [0.81, 0.84, 0.83], [0.80, 0.76, 0.75, 0.79, 0.77]
    pairs = compare(of_seeds(first, second), "procedure")
    wanted = ttest_ind(first, second, equal_var=False)
    assert pairs.freedom[0, 1] == pytest.approx(wanted.df)
    assert pairs.p_values()[0, 1] == pairs.p_values()[1, 0] == pytest.approx(wanted.pvalue)
    assert pairs.difference[0, 1] == pytest.approx(np.mean(first) - np.mean(second))


def test_draws_are_paired_and_seeds_are_not() -> None:
    """A draw that is good for all rows says nothing against any; so does a seed's number not."""
    rng = np.random.default_rng(1)
    rows = World(patients=0, row=0, run=0, seed=0, draw=0.05, rest=1e-9).rows(
        rng, np.array([0.80, 0.79]), seeds=3, draws=5
    )
    assert compare(rows, "procedure").se[0, 1] < 1e-6
    seed = np.array([0.0, 0.02, 0.04])
    rows = of_seeds(list(0.8 + seed), list(0.79 + seed))
    assert compare(rows, "procedure").se[0, 1] == pytest.approx(np.sqrt(2 * 0.02**2 / 3))


@pytest.mark.parametrize("draws", [1, 5])
def test_a_row_without_spread_leaves_the_error_of_the_other(draws: int) -> None:
    """Against a constant row a comparison is the interval of one row, component by component."""
    rng = np.random.default_rng(2)
    world = World(draw=0.02, rest=0.01, run=0.05)
    (row,) = world.rows(rng, np.array([0.8]), seeds=4, draws=draws, resamples=400)
    shape = (4, draws)
    constant = Runs(np.full(shape, 0.7), np.full((*shape, 400), 0.7), row.spread, row.patients)
    for statement in ("weights", "procedure"):
        pairs = compare([row, constant], statement)  # type: ignore[arg-type]
        assert pairs.se[0, 1] == pytest.approx(error_of(row, statement).se, rel=1e-3)  # type: ignore[arg-type]


def test_patients_are_paired() -> None:
    y = RNG.random((300, 4)) < [0.05, 0.1, 0.3, 0.6]
    y[:2] = True
    patients = [f"p{number}" for number in RNG.integers(0, 220, 300)]
    s = RNG.normal(size=y.shape) + y
    better = s + 0.2 * RNG.normal(size=s.shape) + 0.4 * y
    first, second = (bootstrap_classes(y, x, patients, weighted.auroc, 500) for x in (better, s))
    pairs = compare([one_run(first), one_run(second)], "weights")
    assert pairs.difference[0, 1] == pytest.approx(first.point.mean() - second.point.mean())
    drawn = np.nanmean(first.draws, axis=0) - np.nanmean(second.draws, axis=0)
    assert pairs.se[0, 1] == pytest.approx(
        drawn.std(ddof=1), rel=0.06
    )  # few patients: a little more
    assert pairs.se[0, 1] > drawn.std(ddof=1)
    z = pairs.difference[0, 1] / pairs.se[0, 1]
    assert pairs.p_values()[0, 1] == pytest.approx(2 * norm.sf(abs(z)))
    assert np.isinf(pairs.freedom[0, 1])


def test_equal_predictions_are_never_separated_and_always_equivalent() -> None:
    rng = np.random.default_rng(0)
    row, other = World().rows(rng, np.array([0.8, 0.8]))
    for statement in ("weights", "procedure"):
        pairs = compare([row, row, other], statement)  # type: ignore[arg-type]
        assert pairs.p_values()[0, 1] == 1.0 or statement == "procedure"
        assert not pairs.separated()[0, 1]
        assert np.isfinite(pairs.smallest_separable())
    assert compare([row, row], "weights").equivalent()[0, 1]
    assert np.isnan(compare([row, row], "weights").smallest_separable())  # nothing was measured


def test_a_constant_lead_is_unjudged() -> None:
    """Different, yet always by the same: no resample says how far that could move."""
    (row,) = World().rows(np.random.default_rng(0), np.array([0.8]))
    ahead = Runs(row.values + 0.1, row.replicates + 0.1, row.spread, row.patients)
    pairs = compare([row, ahead], "weights")
    assert np.isnan(pairs.p_values()[0, 1])
    assert not pairs.separated()[0, 1]
    assert not pairs.equivalent()[0, 1]


def test_rows_of_fewer_than_three_seeds_are_separated_from_nobody_as_procedures() -> None:
    rng = np.random.default_rng(0)
    many = World().rows(rng, np.array([0.9, 0.6]), seeds=3)
    few = World().rows(rng, np.array([0.3]), seeds=2)
    apart = compare([*many, *few], "procedure").separated()
    assert apart[0, 1]
    assert not apart[:, 2].any()
    assert compare([*many, *few], "weights").separated()[:2, 2].all()


def test_rows_on_other_draws_or_resamples_are_not_compared() -> None:
    rng = np.random.default_rng(0)
    (one,), (other,) = (World().rows(rng, np.array([0.8]), draws=d) for d in (1, 5))
    with pytest.raises(MetricError, match="the same draws"):
        compare([one, other], "procedure")
    (shorter,) = World().rows(rng, np.array([0.8]), resamples=100)
    with pytest.raises(MetricError, match="the same resamples"):
        compare([one, shorter], "weights")
    lacks = Runs(one.values, one.replicates, np.ones(2), np.full(2, 9.0))
    assert np.isnan(compare([one, lacks], "weights").se[0, 1])  # other classes


def test_equivalence_is_two_one_sided_tests() -> None:
    first, second = [0.801, 0.802, 0.803], [0.802, 0.8025, 0.8035]
    pairs = compare(of_seeds(first, second), "procedure")
    p, _, _ = ttost_ind(np.array(first), np.array(second), -MARGIN, MARGIN, usevar="unequal")
    assert pairs.equivalent(level=p * 1.001)[0, 1]
    assert not pairs.equivalent(level=p * 0.999)[0, 1]
    assert not pairs.equivalent(margin=0.0005)[0, 1]


def test_not_separated_is_not_equivalent() -> None:
    pairs = compare(of_seeds([0.7, 0.8, 0.9], [0.71, 0.81, 0.91]), "procedure")
    assert not pairs.separated()[0, 1]
    assert not pairs.equivalent()[0, 1]


def test_separation_and_equivalence_are_corrected_over_all_pairs() -> None:
    n, level = 6, 0.05
    pairs_of = n * (n - 1) // 2
    z = norm.isf(0.5 * level / pairs_of)

    def table(difference: float, se: float) -> Pairs:
        """One pair with a difference, the others alike."""
        d = np.zeros((n, n))
        d[0, 1], d[1, 0] = difference, -difference
        return Pairs(d, np.full((n, n), se), np.full((n, n), np.inf))

    assert table(1.01 * z, 1.0).separated()[0, 1]
    assert not table(0.99 * z, 1.0).separated()[0, 1]
    one_sided = norm.isf(level / pairs_of)
    assert table(0.0, MARGIN / (1.01 * one_sided)).equivalent()[0, 1]
    assert not table(0.0, MARGIN / (0.9 * one_sided)).equivalent().any()


def test_smallest_separable_difference() -> None:
    se = np.full((3, 3), np.nan)
    se[np.triu_indices(3, 1)] = [0.0, 0.02, 0.03]
    pairs = Pairs(np.zeros((3, 3)), se, np.full((3, 3), np.inf))
    assert pairs.smallest_separable() == pytest.approx(norm.isf(0.025) * 0.025)


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.02, np.nan]), [0.04, np.nan])
    assert holm([]).shape == (0,)
    with pytest.raises(MetricError):
        holm([1.2])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1])
