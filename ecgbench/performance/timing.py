"""Timing of several ways to do the same work, in turn, so that a busy machine slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Way:
    """One way to do some work.

    Attributes:
        run: Does the work, or a share of it.
        share: Share of the whole work that ``run`` does: a slow way is timed on a part, and its time is
            divided by this share.
        repeat: Calls in one timing, for work of microseconds.
    """

    run: Callable[[], Any]
    share: float = 1.0
    repeat: int = 1


def interleaved(ways: Mapping[str, Way], rounds: int) -> dict[str, list[float]]:
    """Time each way once a round, after one round that is not counted.

    Returns:
        Seconds for the whole work, one value a round, by the name of the way.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            for _ in range(way.repeat):
                way.run()
            if number:
                spent = time.perf_counter() - started
                seconds[name].append(spent / way.repeat / way.share)
    return seconds


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """Median of the ratios of two ways, round by round."""
    return float(median(one / other for one, other in zip(slow, fast, strict=True)))
