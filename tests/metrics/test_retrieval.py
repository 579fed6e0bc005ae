from __future__ import annotations

import numpy as np
import pytest

from ecgbench.base.errors import MetricError
from ecgbench.metrics.retrieval import ranks


def test_by_hand() -> None:
    similarity = [[0.9, 0.1, 0.5], [0.8, 0.2, 0.3], [0.1, 0.7, 0.6]]
    found = ranks(similarity, ["a", "b", "c"])
    assert found.ecg_to_text.tolist() == [1, 3, 2]
    assert found.text_to_ecg.tolist() == [1, 2, 1]


def test_a_report_worded_alike_is_a_right_answer() -> None:
    similarity = [[0.1, 0.9, 0.5], [0.8, 0.2, 0.3], [0.4, 0.5, 0.6]]
    found = ranks(similarity, ["Normal ECG.", "normal  ecg", "AF"])
    assert found.ecg_to_text.tolist() == [1, 1, 1]
    assert found.text_to_ecg.tolist() == [1, 1, 1]
    assert ranks(similarity, ["a", "b", "c"]).ecg_to_text.tolist() == [3, 3, 1]


def test_constant_similarities_give_the_rank_of_chance() -> None:
    found = ranks(np.zeros((9, 9)), [str(i) for i in range(9)])
    assert set(found.ecg_to_text) == set(found.text_to_ecg) == {5.0}


def test_random_similarities_against_sorting() -> None:
    rng = np.random.default_rng(0)
    similarity = rng.normal(size=(40, 40))
    texts = [str(number) for number in rng.integers(0, 25, 40)]
    found = ranks(similarity, texts)
    for i in range(40):
        order = np.argsort(-similarity[i])
        # wrong answers before the first right one
        first = next(place for place, j in enumerate(order) if texts[j] == texts[i])
        assert found.ecg_to_text[i] == first + 1
        column = np.argsort(-similarity[:, i])
        assert found.text_to_ecg[i] == 1 + next(
            place for place, j in enumerate(column) if texts[j] == texts[i]
        )


def test_bad_input_is_refused() -> None:
    with pytest.raises(MetricError, match=r"shape \(2, 3\) for 2 reports"):
        ranks(np.zeros((2, 3)), ["a", "b"])
    with pytest.raises(MetricError, match="NaN"):
        ranks([[np.nan, 0], [0, 1]], ["a", "b"])
    with pytest.raises(MetricError, match="0 reports"):
        ranks(np.zeros((0, 0)), [])
