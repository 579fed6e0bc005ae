"""Compact letter display: two rows that share no letter are separated, two that share one are not.

The insert-and-absorb algorithm (Piepho 2004). Letters of runs of neighbours in rank order would do only
where separation follows the order; with paired tests the first row may be separated from the second and
not from the third.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def letters(apart: NDArray[np.bool_]) -> list[str]:
    """Letters of rows, the best row's first.

    Args:
        apart: ``[n, n]`` symmetric, whether two rows are separated; best row first.

    Returns:
        One text a row, e.g. ``ab``; after ``z`` follow ``a2``, ``b2`` and so on.
    """
    columns = sorted(sorted(column) for column in _columns(apart))
    return [
        "".join(_letter(number) for number, column in enumerate(columns) if row in column)
        for row in range(len(apart))
    ]


def _columns(apart: NDArray[np.bool_]) -> list[frozenset[int]]:
    """The largest sets of rows in which no two are separated."""
    columns = [frozenset(range(len(apart)))] if len(apart) else []
    for one, other in np.argwhere(np.triu(apart)).tolist():
        split = list(_insert(columns, one, other))
        columns = [c for c in dict.fromkeys(split) if not any(c < larger for larger in split)]
    return columns


def _insert(columns: list[frozenset[int]], one: int, other: int) -> Iterator[frozenset[int]]:
    """A column that has both rows becomes two, each without one of them."""
    for column in columns:
        if one in column and other in column:
            yield column - {one}
            yield column - {other}
        else:
            yield column


def _letter(number: int) -> str:
    """``a`` to ``z``, then ``a2`` and so on."""
    round_, place = divmod(number, 26)
    return chr(ord("a") + place) + (str(round_ + 1) if round_ else "")
