from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import friedmanchisquare

from ecgbench.base.errors import MetricError
from ecgbench.stats.ranks import critical_difference, ranks


def test_ranks_by_hand() -> None:
    assert ranks([[0.9, 0.5], [0.8, 0.5], [0.7, 0.6]]).tolist() == [[1, 2.5], [2, 2.5], [3, 1]]


@given(arrays(np.float64, (4, 3), elements=st.integers(0, 3).map(float)))
def test_ranks_of_a_task_add_up(values: NDArray[np.float64]) -> None:
    assert ranks(values).sum(axis=0).tolist() == [10, 10, 10]


def test_a_missing_value_is_refused_and_not_ranked_last() -> None:
    with pytest.raises(MetricError, match="no value for some task"):
        ranks([[0.5, np.nan], [0.4, 0.3]])
    with pytest.raises(MetricError, match="nothing to rank"):
        ranks(np.zeros((0, 2)))


def test_critical_difference_is_demsars() -> None:
    """Demsar 2006: 4 classifiers on 14 data sets, q = 2.569, difference 1.25, p of F below 0.05."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4, 14)) + np.array([[0.0], [0.3], [0.6], [2.5]])
    found = critical_difference(values)
    assert found.difference == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 14)), abs=1e-3)
    assert found.p_value == pytest.approx(friedmanchisquare(*values).pvalue)
    np.testing.assert_allclose(found.mean_ranks, ranks(values).mean(axis=1))
    assert found.tasks == 14


def test_groups_are_the_longest_runs_that_are_not_told_apart() -> None:
    # ranks 1, 2, 3, 4 on every one of 8 tasks: difference 1.66
    values = np.repeat([[0.7], [0.9], [0.8], [0.6]], 8, axis=1)
    found = critical_difference(values)
    assert found.mean_ranks.tolist() == [3, 1, 2, 4]
    assert found.groups == ((1, 2), (2, 0), (0, 3))
    alone = critical_difference(np.repeat([[0.7], [0.9]], 8, axis=1))
    assert alone.groups == ()
    assert alone.p_value == pytest.approx(2 / 2**8)  # eight wins of eight, two-sided
    same = critical_difference(np.full((3, 5), 0.5) + np.eye(3, 5))
    assert same.groups == ((0, 1, 2),)


def test_a_critical_difference_needs_two_of_each() -> None:
    with pytest.raises(MetricError, match="a critical difference of values of shape"):
        critical_difference([[0.1, 0.2]])
