"""No protocol uses a test label, and no prediction depends on the other test records.

Here the guard is taken away on purpose: every protocol gets data sets that hold the test labels. Once
with them as they are, once permuted over the test records: predictions, thresholds and choices are the
same bytes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from runs.conftest import request_for, small_home, small_matrix  # noqa: F401
from small_lm import SMALL

from ecgbench.data.dataset import Dataset
from ecgbench.data.opening import open_dataset
from ecgbench.plugins.catalogue import protocols, tasks
from ecgbench.plugins.importing import load_object
from ecgbench.plugins.specs import SourceSpec
from ecgbench.protocol import Bench, Outcome, Records
from ecgbench.results.predictions import RankPredictions, ScorePredictions, TextPredictions
from ecgbench.runs.execute import Session
from ecgbench.runs.plan import Question
from ecgbench.runs.run import Request, make_plan

# Run on these variants; of every other protocol on all of them.
FEW = {
    "linear-probe": ("1%", "100%"),
    "shuffled-labels": ("10%",),
    "fine-tune": ("100%",),
    "corruption": ("clean", "muscle-noise-3", "gain-2", "time-crop-1"),
    "population": ("clean", "sex-female"),
    "transfer": ("clean",),
    "report-generation": ("greedy", "nearest"),
    "merl-linear-probe": ("100%", "100%-last"),
}
# These have the class of another protocol and differ in the language model, which is not here.
SAME_CLASS = {"report-generation-llama", "report-generation-smollm2"}
CASES = [
    (name, variant)
    for name in protocols.names()
    if name not in SAME_CLASS
    for variant in FEW.get(name, tuple(protocols.get(name).variants))
]
QUICK = {
    "batch_size": 8,
    "weight_decay": 0.0,
    "warmup": 0.1,
    "clip": 1.0,
    "patience": 9,
    "lr": 0.01,
}
SMALL_WRITER = {
    "prompt_tokens": 3,
    "longest": 24,
    "lm": {**SMALL, "vocabulary": 320, "longest": 24, "training": {**QUICK, "epochs": 2}},
    "lora": {"rank": 2, "alpha": 4, "dropout": 0.0, "targets": "all-linear"},
    "training": {**QUICK, "epochs": 2},
}


def test_the_protocols_of_the_same_class_are() -> None:
    ours = protocols.get("report-generation")
    for name in SAME_CLASS:
        assert (protocols.get(name).entry, protocols.get(name).folder) == (ours.entry, ours.folder)


def labelled(permuted: bool) -> Dataset:
    """The tiny data set with its test labels and reports, or with both shuffled among test records."""
    full = open_dataset("sim-tiny")
    records = full.records.copy()
    test = full.rows("test")
    if permuted:
        order = np.roll(test, 5)
        for column in ("codes", "report"):
            records.iloc[test, records.columns.get_loc(column)] = records[column].iloc[order]
        assert (records["codes"].iloc[test] != full.records["codes"].iloc[test]).sum() > 5
    again = Dataset(full.spec, full.store)
    again.__dict__["records"] = records
    return again


Bencher = Callable[[str, str], Bench]


@pytest.fixture(scope="module")
def sessions() -> dict[str, Session]:
    """The session that all cases share, so that what can be shared is made once."""
    return {}


@pytest.fixture
def bench_for(
    request_for: Callable[..., Request],  # noqa: F811
    sessions: dict[str, Session],
    monkeypatch: pytest.MonkeyPatch,
) -> Bencher:
    """A cell's bench under any protocol, on the tiny data set."""
    prompts = importlib.import_module("ecgbench.tasks.protocols.zero_shot.zero_shot")
    pinned = prompts.pinned_prompts  # none serve the tiny data set
    monkeypatch.setattr(
        prompts, "pinned_prompts", lambda spec, said, _: pinned(spec, said, "ptbxl")
    )
    monkeypatch.setattr("ecgbench.metrics.wordnet.reader", lambda: None)  # nothing is scored here
    quick = ("finetune.epochs=2", "finetune.min_steps=2")
    if not sessions:
        plan = make_plan(request_for("random_init_resnet", overrides=quick))
        sessions["one"] = plan.planned[0].session

    def make(name: str, variant: str) -> Bench:
        spec, session = protocols.get(name), sessions["one"]
        if name == "merl-linear-probe":
            signal = {**spec.params["signal"], "rate": 100.0}
            spec = spec.model_copy(
                update={"params": {**spec.params, "signal": signal, "epochs": 3}}
            )
        if name == "report-generation":
            spec = spec.model_copy(update={"params": {**spec.params, **SMALL_WRITER}})
        task = tasks.get("sim-tiny-super")
        if name == "transfer":
            source = SourceSpec(dataset=task.dataset, labels=task.labels)
            task = task.model_copy(update={"source": source})
        return session.bench(Question(task, spec, variant), 0)

    return make


def outcome_of(bench: Bench) -> Outcome:
    made: Outcome = load_object(bench.protocol.entry, bench.protocol.folder)(bench.protocol).run(
        bench
    )
    return made


def as_bytes(outcome: Outcome) -> bytes:
    """Everything that a protocol says, thresholds and choices included."""
    arrays = [np.asarray(value).tobytes() for value in vars(outcome.predictions).values()]
    return b"".join(arrays) + repr((outcome.n_train, outcome.n_val, outcome.choices)).encode()


def with_labels(bench: Bench, permuted: bool) -> Bench:
    """The bench without the guard, and with nothing that another run has fitted."""
    full = labelled(permuted)
    test = Records(full, bench.test.rows, bench.test.ids)
    return replace(bench, training_data=full, test=test, shared={})


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_other_test_labels_leave_every_byte_as_it_was(
    bench_for: Bencher, name: str, variant: str
) -> None:
    bench = bench_for(name, variant)
    guarded = as_bytes(outcome_of(replace(bench, shared={})))
    assert as_bytes(outcome_of(with_labels(bench, permuted=True))) == guarded
    if name != "fine-tune":  # three trainings would say no more than two
        assert as_bytes(outcome_of(with_labels(bench, permuted=False))) == guarded


@pytest.mark.parametrize(
    ("name", "variant"), [case for case in CASES if case[1] not in ("shuffled-signal",)]
)
def test_a_prediction_does_not_depend_on_the_other_test_records(
    bench_for: Bencher, name: str, variant: str
) -> None:
    bench = bench_for(name, variant)
    whole = outcome_of(bench)
    n = len(bench.test)
    removed = [0] if name == "fine-tune" else range(n)
    parts = [np.delete(np.arange(n), place) for place in removed] + [np.array([n - 1])]
    for part in parts:
        texts = tuple(bench.test_texts[row] for row in part) if bench.test_texts else ()
        some = outcome_of(replace(bench, test=bench.test.take(part), test_texts=texts))
        assert (some.n_train, some.n_val) == (whole.n_train, whole.n_val)
        if variant != "nearest":  # it notes the mean cosine of its test records
            assert some.choices == whole.choices
        see_same(some.predictions, whole.predictions, part)


def see_same(some: Any, whole: Any, part: np.ndarray) -> None:
    """The predictions of some test records are those that were made among all of them."""
    assert some.record_ids.tolist() == whole.record_ids[part].tolist()
    if isinstance(some, TextPredictions):
        assert list(some.texts) == [whole.texts[row] for row in part]
    elif isinstance(some, RankPredictions):  # a rank is one among those that are left
        for way in ("ecg_to_text", "text_to_ecg"):
            lost = getattr(whole, way)[part] - getattr(some, way)
            assert ((lost >= 0) & (lost <= len(whole.record_ids) - len(part))).all()
    else:
        assert isinstance(some, ScorePredictions)
        kept = whole.scores[part]
        grids = whole.step if len(part) == 1 else np.maximum(some.step, whole.step)
        rounding = grids + 1e-5 * (1 + np.abs(kept))
        assert (np.abs(some.scores - kept) <= rounding).all()
        if whole.thresholds is None:
            assert some.thresholds is None
        else:
            assert np.array_equal(some.thresholds, whole.thresholds, equal_nan=True)
