"""How fast is the batched probe, against scikit-learn one regression at a time, in one run?

    python tests/benchmarks/probe.py [records features classes]

Simulated features with a decaying spectrum, classes from frequent to rare, seven values of C. Only
the ratio means anything on a machine that does other work. scikit-learn fits a sample of the
regressions, at its default tolerance and at one as tight as the batched solver's.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from ecgbench.metrics.classification import auroc
from ecgbench.probe.select import ProbeGrid, fit_logistic

CS = ProbeGrid().Cs
SAMPLE = 28


def simulate(
    records: int, features: int, classes: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(records, features))
    X = X @ (rng.normal(size=(features, features)) * np.geomspace(1, 0.01, features))
    X /= X.std(axis=0)
    weights = 2 * rng.normal(size=(features, classes)) / np.sqrt(features)
    return X, X @ weights + rng.logistic(size=(records, classes)) > np.linspace(0, 6, classes)


def main(records: int, features: int, classes: int) -> None:
    X, Y = simulate(2 * records, features, classes)
    train, test = slice(0, records), slice(records, None)
    fit_logistic(X[:50], Y[:50], [1.0])  # imports torch
    start = time.perf_counter()
    fit = fit_logistic(X[train], Y[train], CS)
    batched = time.perf_counter() - start
    count = len(CS) * classes
    print(f"{records} records, {features} features, {count} regressions")
    print(f"batched: {batched:.1f} s, {fit.converged.mean():.0%} converged")

    rng = np.random.default_rng(1)
    trained = np.flatnonzero(fit.trained)
    sample = [(int(rng.integers(len(CS))), int(rng.choice(trained))) for _ in range(SAMPLE)]
    for name, options in (
        ("default tolerance", {"max_iter": 1000}),
        ("tolerance 1e-6", {"tol": 1e-6, "max_iter": 10_000}),
    ):
        start, gaps = time.perf_counter(), []
        for i, k in sample:
            model = LogisticRegression(C=CS[i], **options).fit(X[train], Y[train, k])
            theirs = X[test] @ model.coef_[0] + model.intercept_[0]
            ours = X[test] @ fit.coefs[i, k, :-1] + fit.coefs[i, k, -1]
            pair = auroc(np.c_[Y[test, k], Y[test, k]], np.c_[ours, theirs])
            gaps.append(abs(pair[0] - pair[1]))
        each = (time.perf_counter() - start) / SAMPLE
        print(
            f"scikit-learn, {name}: {each * count:.1f} s for all by a sample of {SAMPLE}, "
            f"{each * count / batched:.0f} times as long; largest AUROC difference {max(gaps):.1e}"
        )


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:] or ("1442", "256", "53")))
