from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from ecgbench.base.errors import MetricError
from ecgbench.metrics import weighted
from ecgbench.metrics.classification import auroc, average_precision, f1_at
from ecgbench.stats import resample
from ecgbench.stats.bootstrap import (
    Bootstrap,
    class_intervals,
    macro_interval,
)
from ecgbench.stats.resample import Design

from .classes import bootstrap_classes

RNG = np.random.default_rng(3)
RECORDS, CLASSES = 300, 4
PATIENTS = [f"p{number}" for number in RNG.integers(0, 220, RECORDS)]
Y = RNG.random((RECORDS, CLASSES)) < [0.0, 0.1, 0.3, 0.6]
Y[:2] = True
S = np.round(RNG.normal(size=Y.shape) + Y, 1)  # with ties


def highest_f1(y: NDArray[np.bool_], s: NDArray[np.float64]) -> float:
    return max(f1_score(y, s >= cut) for cut in np.unique(s))


CUTS = np.array([0.5, 0.5, 0.0, 1.0])
REFERENCES = {
    "auroc": (weighted.auroc, roc_auc_score),
    "ap": (weighted.average_precision, average_precision_score),
    "f1": (partial(weighted.f1_at, thresholds=CUTS), None),
    "f1 max": (weighted.f1_max, highest_f1),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_draw_is_the_metric_of_the_records_drawn(name: str) -> None:
    statistic, reference = REFERENCES[name]
    weights = np.concatenate(list(Design.of(PATIENTS, 25, seed=1).weights()), axis=1)
    draws = statistic(Y, S, weights)
    assert np.isnan(draws).any(), "the rare class should be lost in some draw"
    for b in range(weights.shape[1]):
        rows = np.repeat(np.arange(RECORDS), weights[:, b].astype(int))
        for k in range(CLASSES):
            y, s = Y[rows, k], S[rows, k]
            if y.all() or not y.any():
                assert np.isnan(draws[k, b])
            elif reference is None:
                assert draws[k, b] == pytest.approx(f1_score(y, s >= CUTS[k]), abs=1e-12)
            else:
                assert draws[k, b] == pytest.approx(reference(y, s), abs=1e-12)


def test_the_point_is_the_plain_metric() -> None:
    for statistic, plain in (
        (weighted.auroc, auroc(Y, S)),
        (weighted.average_precision, average_precision(Y, S)),
        (partial(weighted.f1_at, thresholds=CUTS), f1_at(Y, S, CUTS)),
    ):
        np.testing.assert_array_equal(bootstrap_classes(Y, S, PATIENTS, statistic, 5).point, plain)


def test_a_patient_brings_all_records_and_is_drawn_once_on_average() -> None:
    design = Design.of(PATIENTS, 2000, seed=5)
    weights = np.concatenate(list(design.weights()), axis=1)
    patients = np.array(PATIENTS)
    for name in set(PATIENTS):
        rows = weights[patients == name]
        assert (rows == rows[0]).all()
    firsts = weights[np.unique(patients, return_index=True)[1]]
    assert (firsts.sum(axis=0) == design.patients).all()
    assert firsts.mean() == pytest.approx(1.0)
    assert firsts.var() == pytest.approx(1 - 1 / design.patients, rel=0.02)  # binomial


def test_resamples_are_frozen_for_ever() -> None:
    """Published intervals must be reproducible: these figures may only change with a version."""
    weights = next(Design.of(["b", "a", "c", "a", "d"], 4, seed=42).weights())
    assert weights.T.tolist() == [
        [1.0, 0.0, 1.0, 0.0, 2.0],
        [0.0, 1.0, 0.0, 1.0, 3.0],
        [2.0, 1.0, 0.0, 1.0, 1.0],
        [1.0, 1.0, 1.0, 1.0, 1.0],
    ]


def test_blocks_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bootstrap_classes(Y, S, PATIENTS, weighted.auroc, 50)
    monkeypatch.setattr(resample, "BLOCK_ELEMENTS", 7 * RECORDS)
    np.testing.assert_array_equal(
        bootstrap_classes(Y, S, PATIENTS, weighted.auroc, 50).draws, whole.draws
    )


def test_the_order_of_records_does_not_matter() -> None:
    order = RNG.permutation(RECORDS)
    whole = bootstrap_classes(Y, S, PATIENTS, weighted.average_precision, 50)
    turned = bootstrap_classes(
        Y[order], S[order], [PATIENTS[i] for i in order], weighted.average_precision, 50
    )
    np.testing.assert_array_equal(turned.draws, whole.draws)
    assert turned.key == whole.key


def test_intervals_hold_the_value_and_count_what_was_undefined() -> None:
    result = bootstrap_classes(Y, S, PATIENTS, weighted.auroc, 400)
    lost = np.isnan(result.draws).sum(axis=1)
    for k, interval in enumerate(class_intervals(result)):
        assert 0 <= interval.low < interval.value < interval.high <= 1
        assert interval.value == result.point[k]
        assert interval.undefined == lost[k]
    assert lost[0] > 0
    whole = macro_interval(result)
    assert whole.scored == CLASSES
    assert whole.undefined == lost.sum()
    assert whole.low < whole.value < whole.high
    wider = macro_interval(result, level=0.99)
    assert wider.low < whole.low
    assert wider.high > whole.high


def test_an_interval_is_that_of_the_formula() -> None:
    """By hand: two patients' worth of freedom, standard error 0.1 before the correction."""
    result = Bootstrap(
        point=np.array([0.8]),
        draws=np.array([[0.7, 0.8, 0.9]]),  # SD 0.1
        patients=np.array([5.0]),
        key="",
    )
    interval = macro_interval(result)
    se = 0.1 * np.sqrt(5 / 4)
    reach = 2.7764451051977987 * se / (0.8 * 0.2)  # t of 4 degrees at 0.975
    odds = np.array([4 * np.exp(-reach), 4 * np.exp(reach)])
    np.testing.assert_allclose(interval[1:4], [*(odds / (1 + odds)), se], rtol=1e-12)


def test_an_absent_class_is_left_out_of_value_and_interval() -> None:
    without = Y.copy()
    without[:, 0] = False
    result = bootstrap_classes(without, S, PATIENTS, weighted.auroc, 100)
    alone = bootstrap_classes(without[:, 1:], S[:, 1:], PATIENTS, weighted.auroc, 100)
    assert macro_interval(result) == macro_interval(alone)
    absent = class_intervals(result)[0]
    assert np.isnan(absent.value)
    assert absent.scored == 0


def test_perfect_ranking_does_not_give_an_interval_of_no_width() -> None:
    y = np.zeros((60, 1))
    y[:6] = 1
    result = bootstrap_classes(y, y.copy(), [str(i) for i in range(60)], weighted.auroc, 200)
    interval = macro_interval(result)
    z = 1.959963984540054
    assert interval.value == interval.high == 1.0
    assert interval.low == pytest.approx(6 / (6 + z**2))  # Wilson, six patients
    wrong = macro_interval(
        bootstrap_classes(y, -y, [str(i) for i in range(60)], weighted.auroc, 200)
    )
    assert (wrong.low, wrong.high) == pytest.approx((0.0, 1 - interval.low))


def test_one_patient_with_positives_has_a_value_and_no_interval() -> None:
    y = np.zeros((40, 1))
    y[:3] = 1
    patients = ["same"] * 3 + [str(i) for i in range(37)]
    s = RNG.normal(size=(40, 1))
    interval = macro_interval(bootstrap_classes(y, s, patients, weighted.auroc, 100))
    assert 0 < interval.value < 1
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)


def test_records_of_one_patient_widen_the_interval() -> None:
    """The same recording five times over is one recording."""
    y, s = np.repeat(Y[:60, 2:], 5, axis=0), np.repeat(S[:60, 2:], 5, axis=0)
    clustered = bootstrap_classes(y, s, [str(i // 5) for i in range(300)], weighted.auroc, 500)
    separate = bootstrap_classes(y, s, [str(i) for i in range(300)], weighted.auroc, 500)
    assert macro_interval(clustered).se > 1.8 * macro_interval(separate).se


def test_bad_designs_are_refused() -> None:
    with pytest.raises(MetricError, match="1 patients"):
        bootstrap_classes(Y, S, ["one"] * RECORDS, weighted.auroc)
    with pytest.raises(MetricError, match="NaN"):
        bootstrap_classes(Y, np.where(Y, np.nan, S), PATIENTS, weighted.auroc)
