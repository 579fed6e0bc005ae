"""Many L2-regularised logistic regressions on one feature matrix, solved together.

A linear probe needs one regression per class and per candidate C. Solved one after another, they read
the features thousands of times. Solved as columns of one matrix, they need two matrix products per
iteration. The method is L-BFGS in the eigenbasis of the centred features, where the Hessian at
the starting point is diagonal and serves as the preconditioner (Nocedal & Wright, Numerical
Optimization, 2nd ed., algorithm 7.4). Converged problems leave the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

HISTORY = 12
MEMORY_ELEMENTS = 48_000_000
"""Maximum size of one batch of problems, in numbers (0.4 GB as float64); larger sets are split."""


class LogisticFit(NamedTuple):
    """Solutions of a grid of regressions.

    Attributes:
        coefs: [len(Cs), classes, features + 1] float64, the intercept last.
        converged: [len(Cs), classes].
        trained: [classes]; False for a class with positives only or with negatives only, whose
            weights are 0 and whose intercept is the smoothed log-odds of its prevalence.
    """

    coefs: NDArray[np.float64]
    converged: NDArray[np.bool_]
    trained: NDArray[np.bool_]


@dataclass(frozen=True)
class Basis:
    """Centred features in their eigenbasis, with a last column of ones.

    Attributes:
        rows: [records, rank + 1].
        rotation: [features, rank] orthonormal; weights in feature space are ``rotation @ theta``.
        mean: [features] subtracted mean.
    """

    rows: Tensor
    rotation: Tensor
    mean: Tensor


@dataclass
class Regressions:
    """The regressions that have not converged, one per column.

    Attributes:
        labels: [records, problems].
        strength: [problems] C.
        theta: [rank + 1, problems] weights, the intercept last.
        curvature: [rank + 1, problems] diagonal of the initial Hessian.
        scale: [problems] reference size of the decrement.
        number: [problems] index of the problem of each column.
    """

    labels: Tensor
    strength: Tensor
    theta: Tensor
    curvature: Tensor
    scale: Tensor
    number: Tensor

    def keep(self, columns: Tensor) -> Regressions:
        """The batch with some of its columns."""
        return Regressions(
            self.labels[:, columns],
            self.strength[columns],
            self.theta[:, columns],
            self.curvature[:, columns],
            self.scale[columns],
            self.number[columns],
        )


def solve(
    X: NDArray[np.floating],
    Y: NDArray[np.bool_],
    Cs: Sequence[float],
    tolerance: float,
    max_iterations: int,
    device: str,
) -> LogisticFit:
    """Solve every (C, class) regression; arguments as in :func:`ecgbench.probe.select.fit_logistic`."""
    import torch

    records, features = X.shape
    classes = Y.shape[1]
    positives = Y.sum(axis=0)
    trained: NDArray[np.bool_] = (positives > 0) & (positives < records)
    coefs = np.zeros((len(Cs), classes, features + 1))
    coefs[:, :, -1] = np.log((positives + 0.5) / (records - positives + 0.5))
    converged = np.ones((len(Cs), classes), dtype=np.bool_)
    grid = [(i, k) for i in range(len(Cs)) for k in np.flatnonzero(trained)]
    if not grid:
        return LogisticFit(coefs, converged, trained)

    basis = _eigenbasis(torch.tensor(X, dtype=torch.float64, device=device))
    labels = torch.tensor(Y, device=device)
    width = 5 * records + (2 * HISTORY + 6) * basis.rows.shape[1]
    size = max(1, MEMORY_ELEMENTS // width)
    for start in range(0, len(grid), size):
        cells = grid[start : start + size]
        strength = torch.tensor([Cs[i] for i, _ in cells], dtype=torch.float64, device=device)
        theta, done = _minimise(
            basis.rows,
            labels[:, [k for _, k in cells]].double(),
            strength,
            tolerance,
            max_iterations,
        )
        weights = basis.rotation @ theta[:-1]
        intercepts = theta[-1] - basis.mean @ weights
        solutions = torch.cat([weights, intercepts[None]]).T.cpu().numpy()
        i, k = np.array(cells).T
        coefs[i, k], converged[i, k] = solutions, done.cpu().numpy()
    return LogisticFit(coefs, converged, trained)


def _eigenbasis(X: Tensor) -> Basis:
    import torch

    mean = X.mean(dim=0)
    centred = X - mean
    if X.shape[0] < X.shape[1]:
        # with fewer records than features the solution is in the span of the records
        span, small = torch.linalg.qr(centred.T)
        centred = small.T
    else:
        span = torch.eye(X.shape[1], dtype=X.dtype, device=X.device)
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    ones = torch.ones(X.shape[0], 1, dtype=X.dtype, device=X.device)
    return Basis(torch.cat([centred @ vectors, ones], dim=1), span @ vectors, mean)


def _minimise(
    A: Tensor, labels: Tensor, strength: Tensor, tolerance: float, max_iterations: int
) -> tuple[Tensor, Tensor]:
    """Minimise ||weights||^2 / 2 + C * sum of logistic losses for every column.

    Args:
        A: [records, rank + 1], columns orthogonal, the last of ones.
        labels: [records, problems].
        strength: [problems] C.
        tolerance: Newton decrement, relative to C times the rarer label's count, at which to stop.
        max_iterations: Maximum number of iterations.

    Returns:
        [rank + 1, problems] solutions, and [problems] whether each converged.
    """
    import torch

    batch = _start(A, labels, strength)
    solution = torch.empty_like(batch.theta)
    converged = torch.zeros(labels.shape[1], dtype=torch.bool, device=A.device)
    penalty = torch.ones(A.shape[1], 1, dtype=A.dtype, device=A.device)
    penalty[-1] = 0.0
    logits = A @ batch.theta
    gradient = _gradient(A, batch, logits, penalty)
    history: list[tuple[Tensor, Tensor]] = []
    for _ in range(max_iterations):
        decrement = (gradient**2 / batch.curvature).sum(dim=0)
        done = decrement <= tolerance**2 * batch.scale
        solution[:, batch.number[done]] = batch.theta[:, done]
        converged[batch.number[done]] = True
        left = torch.nonzero(~done)[:, 0]
        if not len(left):
            return solution, converged
        if len(left) < len(done):
            batch, logits, gradient = batch.keep(left), logits[:, left], gradient[:, left]
            history = [(s[:, left], g[:, left]) for s, g in history]
        direction = _direction(gradient, batch.curvature, history)
        step, logits = _line_search(A, batch, logits, gradient, direction, penalty)
        before = gradient
        batch.theta = batch.theta + step
        gradient = _gradient(A, batch, logits, penalty)
        history = [*history[-(HISTORY - 1) :], (step, gradient - before)]
    solution[:, batch.number] = batch.theta
    return solution, converged


def _start(A: Tensor, labels: Tensor, strength: Tensor) -> Regressions:
    import torch

    records = len(A)
    positives = labels.sum(dim=0)
    share = positives / records
    theta = torch.zeros(A.shape[1], labels.shape[1], dtype=A.dtype, device=A.device)
    theta[-1] = torch.log(share / (1 - share))
    curvature = (A**2).sum(dim=0)[:, None] * (strength * share * (1 - share))[None]
    curvature[:-1] += 1.0
    scale = strength * torch.minimum(positives, records - positives)
    return Regressions(
        labels, strength, theta, curvature, scale, torch.arange(len(strength), device=A.device)
    )


def _gradient(A: Tensor, batch: Regressions, logits: Tensor, penalty: Tensor) -> Tensor:
    import torch

    return penalty * batch.theta + (A.T @ (torch.sigmoid(logits) - batch.labels)) * batch.strength


def _direction(gradient: Tensor, curvature: Tensor, history: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Two-loop recursion, separately for each column."""
    q = -gradient
    shares = []
    for step, change in reversed(history):
        inverse = 1.0 / (step * change).sum(dim=0).clamp_min(1e-300)
        share = inverse * (step * q).sum(dim=0)
        q = q - share * change
        shares.append((inverse, share))
    q = q / curvature
    if history:
        step, change = history[-1]
        q = q * ((step * change).sum(dim=0) / (change**2 / curvature).sum(dim=0).clamp_min(1e-300))
    for (step, change), (inverse, share) in zip(history, reversed(shares), strict=True):
        q = q + (share - inverse * (change * q).sum(dim=0)) * step
    return q


def _line_search(
    A: Tensor,
    batch: Regressions,
    logits: Tensor,
    gradient: Tensor,
    direction: Tensor,
    penalty: Tensor,
) -> tuple[Tensor, Tensor]:
    """Halve the step of each column until its loss decreases enough (Armijo); needs no matrix product."""
    import torch
    from torch.nn.functional import softplus

    def loss(theta: Tensor, at: Tensor) -> Tensor:
        fit = (softplus(at, threshold=40.0) - batch.labels * at).sum(dim=0)
        return batch.strength * fit + 0.5 * (penalty * theta**2).sum(dim=0)

    slope = (gradient * direction).sum(dim=0)
    along = A @ direction
    start = loss(batch.theta, logits)
    # near the optimum the gain is below the rounding error of the loss, which must not reject the step
    slack = 1e-13 * start.abs()
    length = torch.ones_like(slope)
    for _ in range(30):
        moved = logits + length * along
        gained = loss(batch.theta + length * direction, moved)
        short = gained > start + 1e-4 * length * slope + slack
        if not bool(short.any()):
            break
        length = torch.where(short, 0.5 * length, length)
    return length * direction, logits + length * along
