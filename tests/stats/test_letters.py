from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ecgbench.stats.letters import letters


def matrix(n: int, apart: list[tuple[int, int]]) -> NDArray[np.bool_]:
    found = np.zeros((n, n), np.bool_)
    for i, j in apart:
        found[i, j] = found[j, i] = True
    return found


@pytest.mark.parametrize(
    ("n", "apart", "wanted"),
    [
        (0, [], []),
        (1, [], ["a"]),
        (3, [], ["a", "a", "a"]),
        (3, [(0, 2)], ["a", "ab", "b"]),
        (3, [(0, 1), (0, 2), (1, 2)], ["a", "b", "c"]),
        (3, [(0, 1), (0, 2)], ["a", "b", "b"]),
        # the first is separated from the second alone: no run of neighbours says so
        (3, [(0, 1)], ["a", "b", "ab"]),
        # a four-cycle of rows that are not separated
        (4, [(0, 2), (1, 3)], ["ab", "cd", "bd", "ac"]),
        # Piepho 2004: a letter that another one holds is absorbed
        (5, [(0, 4), (1, 4), (0, 3)], ["a", "ab", "abc", "bc", "c"]),
    ],
)
def test_letters_by_hand(n: int, apart: list[tuple[int, int]], wanted: list[str]) -> None:
    found = letters(matrix(n, apart))
    if n == 4:  # which letter is which is a matter of order
        assert [len(text) for text in found] == [2, 2, 2, 2]
    else:
        assert found == wanted
    assert_exact(matrix(n, apart), found)


def assert_exact(apart: NDArray[np.bool_], found: list[str]) -> None:
    sets = [set(text) for text in found]
    for i in range(len(apart)):
        assert sets[i], "every row has a letter"
        for j in range(i):
            assert bool(sets[i] & sets[j]) != apart[i, j]


@given(
    st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.binary(min_size=5, max_size=5)))
)
def test_rows_share_no_letter_exactly_where_they_are_separated(case: tuple[int, bytes]) -> None:
    n, content = case
    bits = np.unpackbits(np.frombuffer(content, np.uint8)).astype(bool)
    apart = np.zeros((n, n), np.bool_)
    upper = np.triu_indices(n, 1)
    apart[upper] = np.resize(bits, len(upper[0]))
    apart |= apart.T
    found = letters(apart)
    assert_exact(apart, found)
    columns = [
        {i for i, text in enumerate(found) if letter in text} for letter in set("".join(found))
    ]
    assert not any(one < other for one in columns for other in columns), "a letter says nothing new"


def test_letters_go_on_after_z() -> None:
    found = letters(~np.eye(28, dtype=bool))
    assert found[25:] == ["z", "a2", "b2"]
