"""The linear probe: L2 logistic regression on frozen features, selected on validation records.

There is one regression per class against all others. The scaling of the features and the strength of the
penalty are selected once per task by macro-AUROC on validation records. The test split is not used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.base.errors import MetricError
from ecgbench.metrics.checks import labels_of
from ecgbench.metrics.classification import Macro, auroc, macro
from ecgbench.probe.grid import GRID, ProbeGrid, Scaling
from ecgbench.probe.solver import LogisticFit, solve

Values = NDArray[np.float64]

FALLBACK_SCALING: Scaling = "feature"
FALLBACK_C = 0.01
TOLERANCE = 1e-6
CHOOSING = 1e-3
"""Tolerance during selection: changes the AUROC of weak penalties by at most .004, at a third of the cost."""
SMALL_MATRIX = 4_000_000


@dataclass(frozen=True)
class ProbeModel:
    """A fitted probe and its selection.

    Attributes:
        weights: [classes, features], for unscaled features.
        intercepts: [classes].
        scaling: Selected scaling.
        C: Selected inverse penalty.
        validation: Macro-AUROC of the selected probe on validation, with the scored classes. Without a
            scored class selection is impossible, and the fall-back is used.
        trained: [classes]; False for a class without a positive (or without a negative) training
            record, whose scores are constant.
        unconverged: Classes whose selected regression reached the iteration limit.
        candidates: Macro-AUROC on validation by scaling and C.
    """

    weights: Values
    intercepts: Values
    scaling: Scaling
    C: float
    validation: Macro
    trained: NDArray[np.bool_]
    unconverged: int
    candidates: dict[tuple[Scaling, float], float]

    def scores(self, X: ArrayLike) -> Values:
        """Logits of records.

        Args:
            X: [records, features].

        Returns:
            [records, classes] float64.

        Raises:
            MetricError: A different number of features, or NaN or infinite features.
        """
        features = _features(X)
        if features.shape[1] != self.weights.shape[1]:
            raise MetricError(
                f"the probe was fitted on {self.weights.shape[1]} features, not on "
                f"{features.shape[1]}"
            )
        return np.asarray(features @ self.weights.T + self.intercepts, dtype=np.float64)

    def chosen(self) -> dict[str, Any]:
        """The selection as plain values, for the result."""
        return {
            "scaling": self.scaling,
            "C": self.C,
            "chosen_by": "validation" if self.validation.scored else "fall-back",
            "validation_macro_auroc": self.validation.mean if self.validation.scored else None,
            "validation_scored_classes": self.validation.scored,
            "untrained_classes": int((~self.trained).sum()),
            "unconverged_classes": self.unconverged,
        }


def fit_logistic(
    X_train: ArrayLike,
    Y_train: ArrayLike,
    Cs: Sequence[float],
    *,
    tolerance: float = TOLERANCE,
    max_iterations: int = 1000,
    device: str | None = None,
) -> LogisticFit:
    """Fit one L2 logistic regression per class and per C, all in one batch.

    Each minimises ``||w||^2 / 2 + C * sum of logistic losses`` with an unpenalised intercept, as
    scikit-learn's ``LogisticRegression(C=C)`` does on the same features.

    Args:
        X_train: [records, features] finite numbers.
        Y_train: [records, classes] zeros and ones.
        Cs: Inverse penalties, above 0.
        tolerance: Stopping criterion: Newton decrement relative to C times the count of the rarer
            label, so that rare classes are solved as accurately as frequent ones.
        max_iterations: Maximum number of iterations.
        device: Torch device; by default a CUDA GPU if available, else the CPU.

    Returns:
        Coefficients [len(Cs), classes, features + 1] and the state of each regression.

    Raises:
        MetricError: Mismatched shapes, NaN or infinite features, labels other than 0 and 1,
            a C that is not positive.
    """
    X, Y = _features(X_train), labels_of(Y_train)
    if len(X) != len(Y):
        raise MetricError(f"{len(X)} records have features and {len(Y)} have labels")
    if not Cs or not all(np.isfinite(C) and C > 0 for C in Cs):
        raise MetricError(f"C must be positive, not {list(Cs)}")
    with _threads_for(X.size):
        return solve(X, Y, Cs, tolerance, max_iterations, device or _best_device())


@contextlib.contextmanager
def _threads_for(size: int) -> Iterator[None]:
    """Use one thread for a small matrix because a second one costs more than it saves.

    On a busy machine two are up to thirty times slower: a solve consists of thousands of small products.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1 if size < SMALL_MATRIX else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def select_and_fit(
    X_train: ArrayLike,
    Y_train: ArrayLike,
    X_val: ArrayLike,
    Y_val: ArrayLike,
    grid: ProbeGrid | None = None,
    device: str | None = None,
) -> ProbeModel:
    """Select scaling and C on validation records and return the probe fitted with them.

    Candidates are solved to :data:`CHOOSING`, the selected one to :data:`TOLERANCE`.

    Args:
        X_train: [training records, features].
        Y_train: [training records, classes].
        X_val: [validation records, features].
        Y_val: [validation records, classes]; classes without a positive or without a negative
            record here are ignored. If this applies to every class, scaling ``feature`` and the C
            of the grid closest to 0.01 are used.
        grid: Candidates.
        device: As in :func:`fit_logistic`.

    Raises:
        MetricError: As :func:`fit_logistic`.
    """
    candidates = grid or GRID
    X, validation = _features(X_train), _features(X_val)
    quality: dict[tuple[Scaling, float], Macro] = {}
    for scaling in candidates.scalings:
        scale = _scale(X, scaling)
        fits = fit_logistic(X / scale, Y_train, candidates.Cs, tolerance=CHOOSING, device=device)
        for C, coefs in zip(candidates.Cs, fits.coefs / np.append(scale, 1.0), strict=True):
            scores = validation @ coefs[:, :-1].T + coefs[:, -1]
            quality[scaling, C] = macro(auroc(Y_val, scores))
    scaling, C = _choice(candidates, quality)
    scale = _scale(X, scaling)
    fit = fit_logistic(X / scale, Y_train, [C], device=device)
    coefs = fit.coefs[0] / np.append(scale, 1.0)
    return ProbeModel(
        weights=coefs[:, :-1],
        intercepts=coefs[:, -1],
        scaling=scaling,
        C=C,
        validation=macro(auroc(Y_val, validation @ coefs[:, :-1].T + coefs[:, -1])),
        trained=fit.trained,
        unconverged=int((~fit.converged[0]).sum()),
        candidates={key: value.mean for key, value in quality.items()},
    )


def _choice(grid: ProbeGrid, quality: dict[tuple[Scaling, float], Macro]) -> tuple[Scaling, float]:
    if any(value.scored for value in quality.values()):
        # rounded, so that differences below the tolerance do not decide
        return max(quality, key=lambda key: round(quality[key].mean, 3))
    scaling = FALLBACK_SCALING if FALLBACK_SCALING in grid.scalings else grid.scalings[0]
    return scaling, min(grid.Cs, key=lambda C: abs(np.log(C / FALLBACK_C)))


def _scale(X: Values, scaling: Scaling) -> Values:
    spread = X.std(axis=0)
    if scaling == "global":
        spread = np.full_like(spread, np.sqrt((spread**2).mean()))
    # a constant feature (up to rounding) has no information and is not scaled
    floor = 1e-12 * np.abs(X).max(axis=0)
    return np.where(spread > floor, spread, 1.0)


def _features(X: ArrayLike) -> Values:
    features = np.asarray(X, dtype=np.float64)
    if features.ndim != 2 or 0 in features.shape:
        raise MetricError(f"the features have shape {features.shape}, not [records, features]")
    if not np.isfinite(features).all():
        raise MetricError("the features contain NaN or infinite values")
    return features


def _best_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
