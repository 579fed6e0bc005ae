"""Rows of made-up figures with known components of variance, and their bootstrap replicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbench.stats.evidence import Runs

Values = NDArray[np.float64]
MANY = 1000.0  # effective patients: the correction for few is 0.1 %


@dataclass(frozen=True)
class World:
    """Standard deviations of what a figure is made of.

    Attributes:
        patients: Luck with the test patients that all rows have.
        row: Luck of one row with the test patients, alike for its seeds and draws.
        run: Luck of one run with the test patients.
        seed: Of a seed of one row.
        draw: Of a draw of the training records that all rows have.
        row_draw: Of a draw, by row.
        rest: Of a seed with a draw.
    """

    patients: float = 0.02
    row: float = 0.01
    run: float = 0.005
    seed: float = 0.01
    draw: float = 0.0
    row_draw: float = 0.0
    rest: float = 0.0

    def rows(
        self,
        rng: np.random.Generator,
        true: Values,
        seeds: int = 3,
        draws: int = 1,
        resamples: int = 200,
    ) -> list[Runs]:
        """Rows with true values ``[n]``: the luck with the patients is drawn once, and again by resample."""
        shape = (len(true), seeds, draws)

        def luck(*times: int) -> Values:
            common = self.patients * rng.normal(size=(1, 1, 1, *times))
            row = self.row * rng.normal(size=(len(true), 1, 1, *times))
            return np.asarray(common + row + self.run * rng.normal(size=(*shape, *times)))

        common_draw = self.draw * rng.normal(size=(1, 1, draws))
        trained = (
            self.seed * rng.normal(size=(len(true), seeds, 1))
            + common_draw
            + self.row_draw * rng.normal(size=(len(true), 1, draws))
            + self.rest * rng.normal(size=shape)
        )
        values = true[:, None, None] + trained + luck()
        replicates = values[..., None] + luck(resamples)
        one, many = np.array([1.0]), np.array([MANY])
        return [Runs(v, r, one, many) for v, r in zip(values, replicates, strict=True)]
