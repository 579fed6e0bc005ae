from __future__ import annotations

import numpy as np

from ecgbench.stats.standings import rank_intervals, standings

from .made_up import World

SURE = World(patients=0.02, row=0.002, run=0.001, seed=0.002)


def test_rank_intervals_by_hand() -> None:
    """Row 0 is surely better than 3 only; 1 and 2 than nobody; all others are open."""
    apart = np.zeros((4, 4), bool)
    apart[0, 3] = apart[3, 0] = True
    values = np.array([0.9, 0.8, 0.7, 0.6])
    low, high = rank_intervals(apart, values[None, :] > values[:, None])
    assert low == [1, 1, 1, 2]
    assert high == [3, 4, 4, 4]


def test_ranks_come_from_tests() -> None:
    rng = np.random.default_rng(0)
    rows = SURE.rows(rng, np.array([0.6, 0.9, 0.8, 0.8]))
    for statement in ("weights", "procedure"):
        found = standings(rows, statement)  # type: ignore[arg-type]
        assert (found.ranks[0], found.low[0], found.high[0]) == (4, 4, 4)
        assert (found.ranks[1], found.low[1], found.high[1]) == (1, 1, 1)
        assert found.low[2:] == [2, 2]
        assert found.high[2:] == [3, 3]
        assert found.letters == ["c", "a", "b", "b"]
    upside_down = standings(rows, "procedure", lower_is_better=True)
    assert upside_down.ranks[:2] == [1, 4]
    assert upside_down.low[0] == upside_down.high[0] == 1
    assert upside_down.letters[:2] == ["a", "c"]


def test_equal_rows_share_a_rank_and_a_letter() -> None:
    (row,) = SURE.rows(np.random.default_rng(0), np.array([0.8]))
    found = standings([row, row], "weights")
    assert found.ranks == [1, 1]
    assert found.letters == ["a", "a"]
    assert found.equivalent[0, 1]


def test_no_row_stands_nowhere() -> None:
    assert standings([], "procedure").ranks == []
