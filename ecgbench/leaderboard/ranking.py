"""Ranks with intervals, and brackets of rows that the test split cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ecgbench.leaderboard.evidence import LEVEL, Evidence, p_values, paired_errors
from ecgbench.stats.bootstrap import holm
from ecgbench.stats.ranks import smallest_separable


@dataclass(frozen=True)
class Ranking:
    """Where the rows of a question stand; lists in the order of the rows given.

    Attributes:
        ranks: 1 is best; equal figures share a rank.
        low: Least rank of the 95 % interval over resamples.
        high: Greatest.
        brackets: Letters; rows that share one are not separated by the paired bootstrap with Holm's
            correction over all pairs.
        separable: See :func:`ecgbench.stats.ranks.smallest_separable`.
        apart: Pairs of rows, by place, that are separated.
    """

    ranks: list[int]
    low: list[int]
    high: list[int]
    brackets: list[str]
    separable: float
    apart: list[tuple[int, int]] = field(default_factory=list)


def rank(rows: Sequence[Evidence], lower_is_better: bool = False) -> Ranking:
    """Rank rows that were scored on the same resamples."""
    if not rows:
        return Ranking([], [], [], [], float("nan"))
    sign = -1.0 if lower_is_better else 1.0
    values = sign * np.array([row.value for row in rows])
    draws = sign * np.stack([row.replicates for row in rows])
    ranks = 1 + (values[None, :] > values[:, None]).sum(axis=1)
    drawn = rank_draws(draws)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=1, method="inverted_cdf")
    order = np.argsort(-values, kind="stable")
    apart = separated(rows)
    letters = brackets(apart[np.ix_(order, order)])
    by_row = dict(zip(order.tolist(), letters, strict=True))
    return Ranking(
        [int(value) for value in ranks],
        [int(value) for value in low],
        [int(value) for value in high],
        [by_row[row] for row in range(len(rows))],
        smallest_separable(paired_errors(rows)[np.triu_indices(len(rows), 1)]),
        [(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(apart)), strict=True)],
    )


def rank_draws(draws: NDArray[np.float64]) -> NDArray[np.int64]:
    """Ranks ``[rows, resamples]`` of figures ``[rows, resamples]``, greatest first."""
    ranks = np.ones(draws.shape, np.int64)
    for other in draws:
        ranks += other > draws
    return ranks


def separated(rows: Sequence[Evidence]) -> NDArray[np.bool_]:
    """``[n, n]`` whether two rows differ at 5 %, corrected over all pairs."""
    n = len(rows)
    apart = np.zeros((n, n), np.bool_)
    upper = np.triu_indices(n, 1)
    if len(upper[0]):
        raw = p_values(rows)[upper]
        apart[upper] = holm(raw) < LEVEL  # NaN is not below
    return apart | apart.T


def brackets(apart: NDArray[np.bool_]) -> list[str]:
    """Letters of rows in rank order: the longest runs in which no two rows are separated.

    Args:
        apart: ``[n, n]``, best row first.
    """
    n = len(apart)
    runs: list[tuple[int, int]] = []
    for start in range(n):
        end = start
        while end + 1 < n and not apart[start : end + 1, end + 1].any():
            end += 1
        if not runs or end > runs[-1][1]:
            runs.append((start, end))
    letters = [""] * n
    for number, (start, end) in enumerate(runs):
        for row in range(start, end + 1):
            letters[row] += _letter(number)
    return letters


def _letter(number: int) -> str:
    """``a`` to ``z``, then ``a2`` and so on."""
    round_, place = divmod(number, 26)
    return chr(ord("a") + place) + (str(round_ + 1) if round_ else "")
