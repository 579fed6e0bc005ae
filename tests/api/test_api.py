"""The Python interface gives what the harness computes, and says what is wrong in one line."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable
from unittest import SkipTest

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

import ecgbench
from ecgbench.base.errors import DataError, EcgbenchError, ResultError, UnknownNameError
from ecgbench.protocol import Records
from ecgbench.runs.run import Request, carry_out, make_plan

pytestmark = pytest.mark.usefixtures("small_matrix")
ONE_THREAD = ("compute.threads=1",)


def test_a_data_set_gives_arrays_tables_and_tensors() -> None:
    data = ecgbench.load_dataset("sim-tiny")
    assert data.simulated
    assert repr(data) == "<sim-tiny: 160 simulated ECGs, 12 leads, 100 Hz>"
    signals, labels = data.signals("train"), data.labels("super", "train")
    assert signals.shape == ((data.records["split"] == "train").sum(), 12, 1000)
    assert signals.dtype == np.float32
    assert 0.5 < np.abs(signals).max() < 10, "not in mV"
    assert list(labels.columns) == list(data.label_sets["super"])
    assert set(np.unique(labels)) == {0, 1}
    items = data.to_torch("super", "train")
    assert len(items) == len(labels)
    ecg, target = items[3]
    row = data.records.index.get_loc(labels.index[3])
    assert np.array_equal(ecg.numpy(), data.signals()[row])
    assert np.array_equal(target.numpy(), labels.iloc[3])
    data.records.drop(columns="split", inplace=True)
    assert set(data.records["split"]) == {"train", "val", "test"}, "the table is not a copy"


def test_unknown_names_are_one_line_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="sim-tny"):
        ecgbench.load_dataset("sim-tny")
    with pytest.raises(DataError, match="tran"):
        ecgbench.load_dataset("sim-tiny").signals("tran")
    with pytest.raises(AttributeError, match="nothing"):
        _ = ecgbench.nothing


def test_encoding_an_array_gives_the_features_of_the_harness() -> None:
    method = ecgbench.load_method("tiny", data="sim-tiny", overrides=ONE_THREAD, pretrain=True)
    data = ecgbench.load_dataset("sim-tiny")
    features = method.encode(data.signals("test"), rate=data.rate)
    dataset = data._dataset
    rows = dataset.rows("test")
    ids = dataset.records.index.to_numpy(dtype=str)[rows]
    expected = method._encoder.features(Records(dataset, rows, ids))
    assert np.array_equal(features, expected)
    backwards = method.encode(data.signals("test")[:, ::-1], data.rate, data.leads[::-1])
    assert np.array_equal(backwards, features), "leads are taken by name"


def test_weights_that_are_not_here_are_not_trained_unasked() -> None:
    with pytest.raises(EcgbenchError, match="not pre-trained on sim-tiny") as caught:
        ecgbench.load_method("tiny", data="sim-tiny", seed=9)
    assert "pretrain=True" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("signals", "leads", "wrong"),
    [
        (np.zeros((2, 1000)), None, "shape"),
        (np.zeros((2, 3, 1000)), None, "shape"),
        (np.full((2, 12, 1000), np.nan), None, "NaN"),
        (np.zeros((2, 3, 1000)), ("I", "II", "V1"), "missing"),
    ],
)
def test_signals_that_do_not_fit_are_refused(
    signals: np.ndarray, leads: tuple[str, ...] | None, wrong: str
) -> None:
    method = ecgbench.load_method("random_init", data="sim-tiny", overrides=ONE_THREAD)
    with pytest.raises(DataError, match=wrong):
        method.encode(signals, 100, leads or ecgbench.load_dataset("sim-tiny").leads)


def test_missing_leads_can_be_zeros() -> None:
    method = ecgbench.load_method("random_init", data="sim-tiny", overrides=ONE_THREAD)
    data = ecgbench.load_dataset("sim-tiny")
    whole = data.signals("val")
    lost = whole.copy()
    lost[:, 2:] = 0
    found = method.encode(whole[:, :2], data.rate, ("I", "II"), missing_leads="zero")
    assert np.array_equal(found, method.encode(lost, data.rate))


def test_a_pipeline_of_scikit_learn_classifies() -> None:
    data = ecgbench.load_dataset("sim-tiny")
    train, labels = data.to_torch("super", "train").tensors
    encoder = ecgbench.ECGEncoder(
        "random_init", rate=data.rate, data="sim-tiny", overrides=ONE_THREAD
    )
    pipeline = make_pipeline(
        clone(encoder), MultiOutputClassifier(LogisticRegression(max_iter=2000))
    )
    pipeline.fit(train.numpy(), labels.numpy())
    predicted = pipeline.predict(data.signals("test"))
    assert predicted.shape == (len(data.signals("test")), labels.shape[1])


def test_the_transformer_keeps_the_laws_of_scikit_learn() -> None:
    # A lead of any length is an ECG, so the tables of these checks are ECGs of one lead.
    encoder = ecgbench.ECGEncoder(
        "random_init",
        rate=50.0,
        leads=("I",),
        missing_leads="zero",
        data="sim-tiny",
        overrides=ONE_THREAD,
    )
    ran = 0
    for estimator, check in estimator_checks_generator(encoder):
        with contextlib.suppress(SkipTest):  # a check of the array interface that nothing here uses
            check(estimator)
            ran += 1
    assert ran > 30


def test_results_become_one_table(request_for: Callable[..., Request]) -> None:
    request = request_for("random_init", "sim-tiny-super/linear-probe@10%")
    carry_out(make_plan(request))
    found = ecgbench.load_results(request.out)
    frame = found.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == len(found) == 5
    assert set(frame["status"]) == {"ok"}
    assert (frame["auroc_low"] <= frame["auroc"]).all()
    assert sorted(frame["draw"]) == [0, 1, 2, 3, 4]


def test_a_folder_without_results_is_an_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(ResultError, match="No results"):
        ecgbench.load_results(tmp_path_factory.mktemp("empty"))


def test_importing_the_package_stays_light() -> None:
    code = "import sys, ecgbench; assert not {'torch', 'sklearn', 'pandas', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
