"""Whether a figure that was made again is the recorded one, judged by the spread over seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ecgbench.results.schema import Result

FLOOR = 0.005
"""Always allowed, as a share of 1 or of the figure: what another device or library may change."""
SPREADS = 2.0
"""Allowed standard deviations over the row's other seeds."""
CEILING = 0.03
"""Never allowed: a spread that large, of few seeds or forged ones, is no licence."""


@dataclass(frozen=True)
class Verdict:
    """One figure of the cell, recorded and made again.

    Attributes:
        metric: Its name.
        recorded: In the leaderboard.
        again: Here and now.
        spread: SD over the row's other seeds; None for fewer than two of them.
    """

    metric: str
    recorded: float
    again: float
    spread: float | None

    @property
    def allowed(self) -> float:
        """The largest difference that counts as agreement."""
        share = min(max(FLOOR, SPREADS * (self.spread or 0.0)), CEILING)
        return share * max(1.0, abs(self.recorded))

    @property
    def agrees(self) -> bool:
        """Whether the two figures are near enough."""
        return abs(self.recorded - self.again) <= self.allowed


def unconfirmed(result: Result) -> Iterator[str]:
    """Why the reproduction in a record does not bear it out, figure by figure; nothing where it does."""
    part = result.reproduction
    if part is None or result.scores is None:
        return
    for metric, figure in sorted(result.scores.figures.items()):
        if figure.value is None:
            continue
        if metric not in part.figures:
            yield f"is verified without a reproduced {metric}"
            continue
        verdict = Verdict(metric, figure.value, part.figures[metric], part.spread.get(metric))
        if not verdict.agrees:
            yield f"is verified, though {metric} {figure.value} came out as {verdict.again}"
