"""Compares a metric of ours with its reference on random and on degenerate input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgbench.base.errors import MetricError

Matrix = NDArray[np.float64]
PerClass = Callable[[NDArray[np.int64], Matrix], Matrix]


@dataclass(frozen=True)
class Case:
    name: str
    y: NDArray[np.int64]
    s: Matrix


def ranking_cases() -> Iterator[Case]:
    """Label and score matrices, each named after what is hard about it."""
    rng = np.random.default_rng(7)
    shape = (120, 6)
    y = (rng.random(shape) < [0.02, 0.05, 0.1, 0.3, 0.5, 0.9]).astype(np.int64)
    y[0], y[1] = 1, 0  # every class has both
    s = rng.normal(size=shape) + y
    yield Case("random", y, s)
    yield Case("ties", y, np.round(s))
    yield Case("two values", y, (s > 0.5).astype(np.float64))
    yield Case("constant scores", y, np.full(shape, 0.3))
    yield Case("perfect", y, y + 0.1 * rng.random(shape))
    yield Case("all wrong", y, -y - 0.1 * rng.random(shape))
    yield Case("huge and tiny", y, s * np.logspace(-300, 300, 6))
    one = np.zeros(shape, dtype=np.int64)
    one[rng.integers(0, 120, 6), np.arange(6)] = 1
    yield Case("one positive", one, s)
    yield Case("one negative", 1 - one, np.round(s, 1))
    yield Case("two records", y[:2], s[:2])
    absent = y.copy()
    absent[:, 1], absent[:, 4] = 0, 1
    yield Case("an absent class and a class in every record", absent, s)


class RankingTester:
    """One comparison per case and class; undefined classes must be NaN, the others equal."""

    def __init__(
        self, metric: PerClass, reference: Callable[[NDArray[np.int64], Matrix], float]
    ) -> None:
        self.metric, self.reference = metric, reference

    def agrees(self, case: Case) -> None:
        ours = self.metric(case.y, case.s)
        assert ours.shape == (case.y.shape[1],)
        for k, (labels, scores) in enumerate(zip(case.y.T, case.s.T, strict=True)):
            if labels.min() == labels.max():
                assert np.isnan(ours[k]), f"class {k} is undefined"
            else:
                expected = self.reference(labels, scores)
                assert ours[k] == pytest.approx(expected, abs=1e-12), f"class {k}"

    def refuses_bad_input(self) -> None:
        y, s = np.array([[1, 0], [0, 1]]), np.array([[0.1, 0.2], [0.3, 0.4]])
        bad = s.copy()
        bad[1, 0] = np.nan
        for labels, scores, named in (
            (y, bad, "NaN or infinite, the first in record 1, class 0"),
            (y, np.where(np.isnan(bad), np.inf, s), "NaN or infinite"),
            (y + 1, s, "other than 0 and 1"),
            (y * 0.5, s, "other than 0 and 1"),
            (y[:, :1], s, r"labels have shape \(2, 1\) and scores \(2, 2\)"),
            (y[:, 0], s[:, 0], "not \\[records, classes\\]"),
            (y[:0], s[:0], "not \\[records, classes\\]"),
            (y, s.astype(str), "not numbers"),
        ):
            with pytest.raises(MetricError, match=named):
                self.metric(labels, scores)
