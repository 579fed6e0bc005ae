"""Where the rows of a table stand by one statement: ranks, their intervals, letters, equivalence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbench.stats.components import Statement
from ecgbench.stats.evidence import Runs
from ecgbench.stats.letters import letters
from ecgbench.stats.pairs import compare


@dataclass(frozen=True)
class Standings:
    """Lists and matrices in the order of the rows given.

    Attributes:
        ranks: 1 is best; equal figures share a rank.
        low: Least rank: 1 + how many rows are surely better.
        high: Greatest rank: n - how many are surely worse.
        letters: Rows that share none are separated.
        apart: ``[n, n]`` whether two rows are separated at 5 %, with Holm's correction over all pairs.
        equivalent: ``[n, n]`` whether two rows surely differ by less than the margin.
        separable: See :meth:`ecgbench.stats.pairs.Pairs.smallest_separable`.
    """

    ranks: list[int]
    low: list[int]
    high: list[int]
    letters: list[str]
    apart: NDArray[np.bool_]
    equivalent: NDArray[np.bool_]
    separable: float


def standings(
    rows: Sequence[Runs], statement: Statement, lower_is_better: bool = False
) -> Standings:
    """Rank rows that were scored on the same resamples.

    All intervals of ranks hold together at 95 %, because they come from tests with one correction.

    Args:
        rows: Of a procedure each with three seeds or more: others would stand among the ranked without
            being told from anybody.
        statement: What the tests are of.
        lower_is_better: Whether a small figure is a good one.
    """
    pairs = compare(rows, statement)
    values = (-1.0 if lower_is_better else 1.0) * np.array([row.value for row in rows])
    apart = pairs.separated()
    better = values[None, :] > values[:, None]  # [row, other]: the other is better
    low, high = rank_intervals(apart, better)
    order = np.argsort(-values, kind="stable")
    by_row = dict(zip(order.tolist(), letters(apart[np.ix_(order, order)]), strict=True))
    return Standings(
        [int(number) for number in 1 + better.sum(axis=1)],
        low,
        high,
        [by_row[row] for row in range(len(rows))],
        apart,
        pairs.equivalent(),
        pairs.smallest_separable(),
    )


def rank_intervals(
    apart: NDArray[np.bool_], better: NDArray[np.bool_]
) -> tuple[list[int], list[int]]:
    """Least and greatest rank of each row, from tests.

    Args:
        apart: ``[n, n]`` whether two rows are separated.
        better: ``[n, n]`` whether the column's row has the better figure.
    """
    low = 1 + (apart & better).sum(axis=1)
    high = len(apart) - (apart & better.T).sum(axis=1)
    return [int(number) for number in low], [int(number) for number in high]
