from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ecgbench.base.errors import MetricError
from ecgbench.data.labels import LabelSet, scp_label_sets
from ecgbench.probe import solver as logistic
from ecgbench.probe.select import ProbeGrid, ProbeModel, fit_logistic, select_and_fit

CS = (1e-4, 1e-2, 1.0)
LARGEST_GAP = 1e-5  # of a class's test AUROC; the protocol asks for 1e-3
Arrays = tuple[NDArray[np.float64], NDArray[np.int64]]


def problem(records: int, features: int, seed: int = 0, classes: int = 5) -> Arrays:
    """Correlated features of unequal scale, classes from frequent to rare."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(features, features))
    X = rng.normal(size=(records, features)) @ (mixing * np.geomspace(1, 0.05, features)) + 3.0
    weights = np.random.default_rng(98).normal(size=(features, classes)) / features
    Y = ((X - 3) @ weights * 3 + rng.logistic(size=(records, classes))) > np.linspace(0, 4, classes)
    Y[0], Y[1] = True, False
    return X, Y.astype(np.int64)


def reference(X: NDArray[np.float64], y: NDArray[np.int64], C: float) -> NDArray[np.float64]:
    solver = "newton-cholesky" if len(X) > X.shape[1] else "lbfgs"
    model = LogisticRegression(C=C, tol=1e-9, max_iter=50_000, solver=solver).fit(X, y)
    return np.append(model.coef_[0], model.intercept_)


@pytest.mark.parametrize(("records", "features"), [(400, 30), (60, 90), (50, 1)])
def test_equals_scikit_learn(records: int, features: int) -> None:
    X, Y = problem(records, features)
    X = (X - X.mean(0)) / X.std(0) + 0.5
    fit = fit_logistic(X, Y, CS)
    assert fit.coefs.shape == (len(CS), Y.shape[1], features + 1)
    assert fit.converged.all()
    assert fit.trained.all()
    for i, C in enumerate(CS):
        for k in range(Y.shape[1]):
            theirs, ours = reference(X, Y[:, k], C), fit.coefs[i, k]
            gap = X @ (theirs - ours)[:-1] + (theirs - ours)[-1]
            assert np.abs(gap).max() < 1e-3, (C, k)


def test_the_gradient_of_the_stated_objective_vanishes() -> None:
    """By hand, without a second solver: w + C X'(p - y) = 0 and sum(p - y) = 0."""
    X, Y = problem(200, 12)
    fit = fit_logistic(X, Y, [0.3], tolerance=1e-10)
    for k in range(Y.shape[1]):
        w, b = fit.coefs[0, k, :-1], fit.coefs[0, k, -1]
        residual = 1 / (1 + np.exp(-(X @ w + b))) - Y[:, k]
        assert np.abs(w + 0.3 * X.T @ residual).max() < 1e-5
        assert abs(residual.sum()) < 1e-6


def test_separable_classes_converge() -> None:
    X = np.r_[np.full(20, -1.0), np.full(20, 1.0)][:, None]
    fit = fit_logistic(X, (X > 0).astype(int), [1e3])
    assert fit.converged.all()
    assert fit.coefs[0, 0] == pytest.approx(reference(X, (X[:, 0] > 0).astype(int), 1e3), abs=1e-3)


def test_classes_that_cannot_be_trained_are_constant_and_counted() -> None:
    X, Y = problem(80, 10)
    Y[:, 1], Y[:, 3] = 0, 1
    model = select_and_fit(X, Y, X, Y)
    assert model.trained.tolist() == [True, False, True, False, True]
    assert model.chosen()["untrained_classes"] == 2
    scores = model.scores(X)
    assert np.ptp(scores[:, [1, 3]], axis=0) == pytest.approx([0, 0])
    assert scores[0, 1] == pytest.approx(np.log(0.5 / 80.5))
    assert scores[0, 3] == pytest.approx(-np.log(0.5 / 80.5))
    assert np.ptp(scores[:, 0]) > 0


def test_batches_do_not_change_the_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    X, Y = problem(120, 20)
    whole = fit_logistic(X, Y, CS)
    monkeypatch.setattr(logistic, "MEMORY_ELEMENTS", 1)
    np.testing.assert_allclose(fit_logistic(X, Y, CS).coefs, whole.coefs, atol=1e-5)


def test_too_few_iterations_are_reported() -> None:
    X, Y = problem(200, 40)
    fit = fit_logistic(X, Y, CS, max_iterations=2)
    assert not fit.converged[-1].any()
    assert np.isfinite(fit.coefs).all()


def test_the_unit_of_features_does_not_matter() -> None:
    X, Y = problem(150, 20)
    Xv, Yv = problem(150, 20, seed=1)
    model = select_and_fit(X, Y, Xv, Yv)
    scaled = select_and_fit(X * 1e-4 + 7, Y, Xv * 1e-4 + 7, Yv)
    assert (scaled.C, scaled.scaling) == (model.C, model.scaling)
    np.testing.assert_allclose(scaled.scores(Xv * 1e-4 + 7), model.scores(Xv), atol=1e-4)


def test_validation_chooses_and_the_choice_is_the_best() -> None:
    X, Y = problem(100, 60)
    Xv, Yv = problem(300, 60, seed=1)
    model = select_and_fit(X, Y, Xv, Yv)
    assert len(model.candidates) == 14
    assert model.candidates[model.scaling, model.C] == pytest.approx(
        max(model.candidates.values()), abs=1e-6
    )
    expected = np.mean([roc_auc_score(Yv[:, k], model.scores(Xv)[:, k]) for k in range(5)])
    assert model.validation.mean == pytest.approx(expected, abs=1e-12)
    assert model.chosen()["chosen_by"] == "validation"
    only = select_and_fit(X, Y, Xv, Yv, ProbeGrid(scalings=("global",), Cs=(model.C,)))
    assert (only.scaling, only.C) == ("global", model.C)


def test_feature_scaling_is_that_of_a_standard_scaler() -> None:
    X, Y = problem(150, 20)
    X[:, 3] = 1.7  # constant
    grid = ProbeGrid(scalings=("feature",), Cs=(0.1,))
    model = select_and_fit(X, Y, X, Y, grid)
    spread = X.std(0)
    spread[3] = 1.0
    Z = (X - X.mean(0)) / spread
    for k in range(5):
        theirs = reference(Z, Y[:, k], 0.1)
        assert model.scores(X)[:, k] == pytest.approx(Z @ theirs[:-1] + theirs[-1], abs=1e-3)


def test_equal_candidates_take_the_strongest_penalty() -> None:
    X = np.r_[np.full((20, 1), -1.0), np.full((20, 1), 1.0)]
    Y = (X > 0).astype(int)
    model = select_and_fit(X, Y, X, Y)  # every candidate ranks perfectly
    assert (model.scaling, model.C) == ("feature", 1e-5)


def test_classes_undefined_on_validation_have_no_say() -> None:
    X, Y = problem(100, 10)
    Xv, Yv = problem(60, 10, seed=1)
    Yv[:, 1:] = 0
    model = select_and_fit(X, Y, Xv, Yv)
    assert model.validation.scored == 1
    nothing = select_and_fit(X, Y, Xv, np.zeros_like(Yv))
    assert (nothing.scaling, nothing.C) == ("feature", 0.01)
    assert nothing.chosen()["chosen_by"] == "fall-back"
    assert nothing.chosen()["validation_macro_auroc"] is None


def test_bad_input_is_refused() -> None:
    X, Y = problem(20, 3)
    for features, labels, Cs, named in (
        (np.where(X > 4, np.nan, X), Y, [1.0], "features contain NaN"),
        (X[:10], Y, [1.0], "10 records have features and 20 have labels"),
        (X[0], Y, [1.0], "not \\[records, features\\]"),
        (X, Y * 2, [1.0], "other than 0 and 1"),
        (X, Y, [0.0], "C must be positive"),
        (X, Y, [], "C must be positive"),
    ):
        with pytest.raises(MetricError, match=named):
            fit_logistic(features, labels, Cs)
    model = select_and_fit(X, Y, X, Y)
    with pytest.raises(MetricError, match="fitted on 3 features, not on 2"):
        model.scores(X[:, :2])


def test_probing_does_not_need_torch_to_be_imported_early() -> None:
    code = (
        "import sys, ecgbench.probe.select\n"
        "assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@dataclass(frozen=True)
class Recordings:
    """Real recordings: simple features, the codes of each record, its fold, and all label sets."""

    features: NDArray[np.float64]
    codes: list[dict[str, float]]
    fold: NDArray[np.int64]
    sets: dict[str, LabelSet]


@pytest.fixture(scope="module")
def recordings(shared_data: Path) -> Recordings:
    import pandas as pd

    folder = shared_data / "ptbxl-mini"
    table = pd.read_csv(folder / "ptbxl_database.csv")
    features = []
    for name in table.filename_lr:
        raw = np.fromfile(folder / f"{name}.dat", dtype="<i2").reshape(-1, 12) / 1000
        spectrum = np.abs(np.fft.rfft(raw, axis=0))[:120].reshape(12, 10, 12).mean(axis=1)
        quantiles = np.quantile(raw, [0.01, 0.25, 0.75, 0.99], axis=0)
        features.append(np.r_[np.log(spectrum + 1e-3).ravel(), quantiles.ravel()])
    return Recordings(
        np.array(features),
        [ast.literal_eval(text) for text in table.scp_codes],
        table.strat_fold.to_numpy(),
        scp_label_sets(pd.read_csv(folder / "scp_statements.csv", index_col=0)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["super", "sub", "form", "rhythm", "diagnostic", "all"])
def test_equals_scikit_learn_on_real_recordings(recordings: Recordings, name: str) -> None:
    """The probe as validation chose it, and a weak penalty, which is harder to solve."""
    Y = recordings.sets[name].encode(recordings.codes)
    folds = (recordings.fold <= 8, recordings.fold == 9, recordings.fold == 10)
    train, val, test = (fold & Y.any(axis=1) for fold in folds)
    X = recordings.features
    probe = select_and_fit(X[train], Y[train], X[val], Y[val])
    assert probe.chosen()["chosen_by"] == "validation"
    spread = X[train].std(axis=0)
    if probe.scaling == "global":
        spread = np.full_like(spread, np.sqrt((spread**2).mean()))
    Z = (X - X[train].mean(axis=0)) / spread
    weak = fit_logistic(Z[train], Y[train], [1.0])
    assert weak.converged.all()
    found = {
        probe.C: probe.scores(X[test]),
        1.0: Z[test] @ weak.coefs[0, :, :-1].T + weak.coefs[0, :, -1],
    }
    gaps = []
    for k in np.flatnonzero(probe.trained):
        y = Y[test, k]
        if y.min() == y.max():
            continue
        for C, scores in found.items():
            theirs = reference(Z[train], Y[train, k], C)
            wanted = roc_auc_score(y, Z[test] @ theirs[:-1] + theirs[-1])
            gaps.append(abs(wanted - roc_auc_score(y, scores[:, k])))
    assert len(gaps) >= 10
    assert max(gaps) < LARGEST_GAP


def test_the_probe_is_the_chosen_fit() -> None:
    """Scores come from the candidate that is recorded, not from another one."""
    X, Y = problem(100, 10)
    Xv, Yv = problem(100, 10, seed=1)
    model = select_and_fit(X, Y, Xv, Yv)
    assert isinstance(model, ProbeModel)
    again = select_and_fit(X, Y, Xv, Yv, ProbeGrid(scalings=(model.scaling,), Cs=(model.C,)))
    np.testing.assert_allclose(again.scores(Xv), model.scores(Xv), atol=1e-3)
