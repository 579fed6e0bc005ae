"""The spread of a control: a figure whose draws deal other labels, so that they are part of its error.

A control asks whether a figure is chance. It is a mean over draws of the training records (for shuffled
labels: over permutations), and the question is about all draws, not the few that were made. Two draws
share the test patients, hence

    variance of the mean = variance between draws / draws + covariance of two draws over patients.

The first term already holds what the patients do to each draw by itself; adding the whole bootstrap
variance of the mean would count that twice.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def error_over_draws(
    values: ArrayLike, replicates: ArrayLike, inflation: float, freedom: float
) -> tuple[float, float]:
    """Standard error of a mean over draws, and its degrees of freedom.

    Args:
        values: ``[draws]`` the figure of each draw, two or more.
        replicates: ``[draws, resamples]`` the same on resamples of the patients, drawn alike for all;
            NaN where undefined.
        inflation: Factor that corrects a variance over resamples for few patients
            (:func:`ecgbench.stats.bootstrap.few_patients`).
        freedom: Degrees of freedom of such a variance.

    Returns:
        The error, and the degrees of freedom of its two terms together (Satterthwaite 1946).
    """
    figures = np.asarray(values, dtype=np.float64)
    drawn = np.asarray(replicates, dtype=np.float64)
    draws = len(figures)
    between = float(figures.var(ddof=1)) / draws
    common = inflation * _mean_covariance(drawn[:, ~np.isnan(drawn).any(axis=0)])
    total = between + common
    if total == 0.0:
        return 0.0, float(draws - 1)
    return math.sqrt(total), total**2 / (between**2 / (draws - 1) + common**2 / freedom)


def _mean_covariance(drawn: NDArray[np.float64]) -> float:
    """Over the pairs of draws; 0 where they err against each other, or nothing is known."""
    draws, resamples = drawn.shape
    if resamples < 2:
        return 0.0
    together = float(drawn.mean(axis=0).var(ddof=1)) * draws**2
    alone = float(drawn.var(axis=1, ddof=1).sum())
    return float(max(0.0, (together - alone) / (draws * (draws - 1))))
