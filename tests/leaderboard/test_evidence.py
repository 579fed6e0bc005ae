from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stats.classes import bootstrap_classes

from ecgbench.evaluation.ground_truth import Truth
from ecgbench.evaluation.scoring import BOOTSTRAP_SEED
from ecgbench.leaderboard.evidence import (
    evidence_of,
    interval,
    mean_of,
    p_values,
)
from ecgbench.leaderboard.ranking import brackets, rank
from ecgbench.metrics import weighted
from ecgbench.results.store import read_result
from ecgbench.stats.bootstrap import compare, macro_interval
from ecgbench.stats.bootstrap import mean_of as mean_of_bootstraps

from .made_up import RESAMPLES, predictions, put, split


def evidence(folder: Path, of: Truth, skill: float, noise: int = 0):
    item = evidence_of(read_result(put(folder, of, skill, noise)), "auroc")
    assert item is not None
    return item


def boot(of: Truth, skill: float, noise: int = 0):
    guessed = predictions(of, skill, noise)
    patients = of.patients.tolist()
    return bootstrap_classes(
        of.values, guessed.scores, patients, weighted.auroc, RESAMPLES, BOOTSTRAP_SEED
    )


def test_the_interval_of_a_run_is_the_one_from_labels(tmp_path: Path) -> None:
    of = split()
    there, wanted = interval(evidence(tmp_path, of, 1.0)), macro_interval(boot(of, 1.0))
    assert there == pytest.approx((wanted.low, wanted.high), abs=2e-5)


def test_the_interval_over_runs_is_near_the_one_from_labels(tmp_path: Path) -> None:
    of = split()
    runs = [evidence(tmp_path, of, 1.0, noise) for noise in range(3)]
    boots = [boot(of, 1.0, noise) for noise in range(3)]
    wanted = macro_interval(mean_of_bootstraps(boots))
    there = interval(mean_of(runs))
    assert mean_of(runs).value == pytest.approx(wanted.value, abs=1e-9)
    # Degrees of freedom are from the mean of the runs' variances, not the variance of their mean.
    assert there == pytest.approx((wanted.low, wanted.high), abs=0.002)


def test_pairs_compare_as_they_do_from_labels(tmp_path: Path) -> None:
    of = split(200)
    first, second = evidence(tmp_path, of, 1.0, 1), evidence(tmp_path, of, 0.6, 2)
    wanted = compare(boot(of, 1.0, 1), boot(of, 0.6, 2))
    p = p_values([first, second])
    assert p[0, 1] == p[1, 0] == pytest.approx(wanted.p_value, rel=0.2)
    assert np.array_equal(np.diag(p), [1.0, 1.0])
    reach = rank([first, second]).separable
    assert reach == pytest.approx((wanted.high - wanted.low) / 2, rel=0.05)


def test_equal_predictions_are_never_separated(tmp_path: Path) -> None:
    of = split()
    twins = [evidence(tmp_path, of, 1.0), evidence(tmp_path, of, 1.0)]
    assert p_values(twins)[0, 1] == 1.0
    ranking = rank(twins)
    assert ranking.ranks == [1, 1]
    assert ranking.brackets == ["a", "a"]
    assert np.isnan(ranking.separable)  # and not 0: nothing was measured of this split


def test_a_perfect_figure_has_wilsons_limits(tmp_path: Path) -> None:
    of = split()
    there, wanted = interval(evidence(tmp_path, of, 1e6)), macro_interval(boot(of, 1e6))
    assert wanted.value == there.high == 1.0
    assert there.low == pytest.approx(wanted.low, abs=1e-6)


def test_ranks_and_their_intervals(tmp_path: Path) -> None:
    of = split(400)
    rows = [evidence(tmp_path, of, s, n) for n, s in enumerate((0.1, 3.0, 1.0, 1.02))]
    ranking = rank(rows)
    assert ranking.ranks[1] == 1
    assert ranking.ranks[0] == 4
    assert (ranking.low[1], ranking.high[1]) == (1, 1)
    assert (ranking.low[0], ranking.high[0]) == (4, 4)
    assert ranking.low[2] <= 2 < 3 <= ranking.high[2]
    assert ranking.brackets[1] == "a"
    assert ranking.brackets[2] == ranking.brackets[3] == "b"
    assert ranking.brackets[0] == "c"
    upside_down = rank(rows, lower_is_better=True)
    assert upside_down.ranks == [1, 4, *upside_down.ranks[2:]]


@pytest.mark.parametrize(
    ("apart", "letters"),
    [
        ([], ["a", "a", "a"]),
        ([(0, 2)], ["a", "ab", "b"]),
        ([(0, 1), (0, 2), (1, 2)], ["a", "b", "c"]),
        ([(0, 1), (0, 2)], ["a", "b", "b"]),
    ],
)
def test_brackets_are_the_longest_runs_of_rows_not_separated(
    apart: list[tuple[int, int]], letters: list[str]
) -> None:
    matrix = np.zeros((3, 3), bool)
    for i, j in apart:
        matrix[i, j] = matrix[j, i] = True
    assert brackets(matrix) == letters
