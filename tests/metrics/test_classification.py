from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, roc_auc_score

from ecgbench.base.errors import MetricError
from ecgbench.metrics.classification import (
    auroc,
    average_precision,
    best_f1_thresholds,
    f1_at,
    f1_test_max,
    macro,
)

from .tester import Case, RankingTester, ranking_cases

CASES = list(ranking_cases())
CUT = 0.25


def f1_at_cut(y: NDArray[np.int64], s: NDArray[np.float64]) -> NDArray[np.float64]:
    return f1_at(y, s, np.full(np.shape(y)[-1], CUT))


def highest_f1(y: NDArray[np.int64], s: NDArray[np.float64]) -> float:
    precision, recall, _ = precision_recall_curve(y, s)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-300)))


TESTERS = {
    "auroc": RankingTester(auroc, roc_auc_score),
    "average precision": RankingTester(average_precision, average_precision_score),
    "f1": RankingTester(f1_at_cut, lambda y, s: f1_score(y, s >= CUT, zero_division=0)),
    "f1 test max": RankingTester(f1_test_max, highest_f1),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("name", TESTERS)
def test_equals_scikit_learn(name: str, case: Case) -> None:
    TESTERS[name].agrees(case)


@pytest.mark.parametrize("name", TESTERS)
def test_refuses_what_has_no_meaning(name: str) -> None:
    TESTERS[name].refuses_bad_input()


def test_a_tie_counts_half() -> None:
    y = [[1], [0], [0], [1]]
    assert auroc(y, [[2.0], [2.0], [1.0], [3.0]])[0] == 3.5 / 4


scores = arrays(np.float64, (12, 2), elements=st.integers(-3, 3).map(float))
labels = arrays(np.int64, (12, 2), elements=st.integers(0, 1))


@given(labels, scores)
def test_turning_scores_or_labels_round_mirrors_auroc(
    y: NDArray[np.int64], s: NDArray[np.float64]
) -> None:
    np.testing.assert_allclose(auroc(y, -s), 1 - auroc(y, s), atol=1e-15)
    np.testing.assert_allclose(auroc(1 - y, s), 1 - auroc(y, s), atol=1e-15)


@given(labels, scores, st.randoms(use_true_random=False))
def test_only_the_order_of_scores_matters_and_not_that_of_records(
    y: NDArray[np.int64], s: NDArray[np.float64], random: object
) -> None:
    order = np.random.default_rng(len(repr(random))).permutation(len(y))
    for metric in (auroc, average_precision, f1_test_max):
        expected = metric(y, s)
        np.testing.assert_array_equal(metric(y, np.exp(s)), expected)
        np.testing.assert_array_equal(metric(y[order], s[order]), expected)


@given(labels, scores)
@settings(max_examples=60)
def test_no_threshold_beats_the_fitted_one_and_the_highest_of_equals_is_taken(
    y: NDArray[np.int64], s: NDArray[np.float64]
) -> None:
    chosen = best_f1_thresholds(y, s)
    best = f1_at(y, s, chosen.values)
    for cut in np.arange(-3.0, 4.5, 0.5):
        other = f1_at(y, s, np.full(2, cut))
        for k in np.flatnonzero(~np.isnan(best)):
            assert other[k] < best[k] or (other[k] == best[k] and cut <= chosen.values[k])


def test_a_class_without_validation_positives_gets_the_neutral_threshold() -> None:
    y = np.array([[1, 0], [0, 0], [1, 0]])
    s = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 2.0]])
    chosen = best_f1_thresholds(y, s)
    assert chosen.values.tolist() == [1.0, 0.0]
    assert chosen.fitted.tolist() == [True, False]
    assert best_f1_thresholds(y, s, neutral=0.5).values.tolist() == [1.0, 0.5]


def test_thresholds_are_checked() -> None:
    y, s = [[1, 0], [0, 1]], [[1.0, 0.0], [0.0, 1.0]]
    with pytest.raises(MetricError, match="not one for each class"):
        f1_at(y, s, [0.5])
    with pytest.raises(MetricError, match="threshold is NaN"):
        f1_at(y, s, [0.5, np.nan])


def test_the_macro_mean_leaves_out_undefined_classes_and_says_so() -> None:
    y = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 0]])
    s = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 2.0, 0.5]])
    result = macro(auroc(y, s))
    assert result == (0.75, 2, 3)  # classes of 1.0 and 0.5, and an absent one
    assert macro([np.nan, np.nan]).scored == 0
    assert np.isnan(macro([np.nan]).mean)


def test_macro_can_ask_for_support() -> None:
    assert macro([0.5, 0.9, np.nan], [1, 5, 9], min_support=2) == (0.9, 1, 3)
    with pytest.raises(MetricError, match="needs the positives"):
        macro([0.5], min_support=2)
