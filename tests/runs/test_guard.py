"""The guard of test labels: methods and protocols are not handed them, through whatever door."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ecgbench.base.errors import DataError, EcgbenchError
from ecgbench.base.withholding import labels_withheld, refuse_if_withheld
from ecgbench.data.opening import open_dataset
from ecgbench.data.store import open_store
from ecgbench.data.withheld import without_test_labels
from ecgbench.plugins.catalogue import protocols
from ecgbench.results.parts import Scores
from ecgbench.results.schema import Draft, Result
from ecgbench.runs.execute import Session
from ecgbench.runs.isolated import _accepted, _job, run_isolated
from ecgbench.runs.plan import Question
from ecgbench.runs.run import Request, carry_out, make_plan

RequestFor = Callable[..., Request]
REFUSED = "withheld here|cannot be read while a cell is predicted|split 'train' or 'val'"


def planted_cell(request_for: RequestFor, thief: str) -> tuple[Session, Question, Draft]:
    """The cell of a protocol of ``planted/doors.py`` on the tiny task."""
    item = make_plan(request_for(tasks="sim-tiny-super/linear-probe@100%")).planned[0]
    question, draft = item.session.drafts(item.group.cells)[0]
    spec = question.protocol.model_copy(
        update={
            "entry": f"doors:{thief}",
            "folder": Path(__file__).parent / "planted",
            "settings": "ecgbench.tasks.protocols.linear_probe.settings:LinearProbeSettings",
        }
    )
    return item.session, Question(question.task, spec, question.variant), draft


def cell_of(request_for: RequestFor, thief: str) -> Result:
    """Its result."""
    session, question, draft = planted_cell(request_for, thief)
    return next(session.run([(question, draft)]))


@pytest.mark.parametrize(
    "thief",
    [
        "AsksTheSource",
        "AsksTheTestRecords",
        "OpensTheDataSet",
        "OpensTheStore",
        "AsksTheGroundTruth",
        "ReadsTheMetadata",
    ],
)
def test_a_door_that_says_no(request_for: RequestFor, thief: str) -> None:
    result = cell_of(request_for, thief)
    assert result.status == "failed", result.scores
    assert any(words in str(result.reason) for words in REFUSED.split("|")), result.reason


@pytest.mark.parametrize(
    "thief",
    [
        "ReadsTheCodes",
        "ReadsTheParquet",
        "ReadsTheParquetOfTheSource",
        "ReadsTheReports",
        "SearchesTheMemory",
    ],
)
def test_a_door_behind_which_nothing_lies(request_for: RequestFor, thief: str) -> None:
    result = cell_of(request_for, thief)
    assert result.scores is not None, result.reason
    assert result.scores.figures["auroc"].value == 0.5


def test_the_ground_truth_cannot_be_imported_while_a_cell_is_predicted() -> None:
    name = "ecgbench.evaluation.ground_truth"
    loaded = sys.modules.pop(name)
    try:
        with labels_withheld(), pytest.raises(EcgbenchError, match="holds test labels"):
            importlib.import_module(name)
    finally:
        sys.modules[name] = loaded


def test_an_error_lifts_the_guard_and_an_inner_block_does_not() -> None:
    def break_inside() -> None:
        with labels_withheld():
            with labels_withheld():
                pass
            refuse_if_withheld("The answer")

    with pytest.raises(EcgbenchError, match="The answer holds test labels"):
        break_inside()
    refuse_if_withheld("The answer")


@pytest.mark.usefixtures("small_matrix")
def test_a_view_lacks_the_test_labels_and_nothing_else() -> None:
    full = open_dataset("sim-tiny")
    view = without_test_labels(full)
    test = full.rows("test")
    learnt = np.setdiff1d(np.arange(len(full.store)), test)
    for records in (view.records, open_store(view.store.path).read_records()):
        assert set(records["codes"].iloc[test]) == {"{}"}
        assert set(records["report"].iloc[test]) == {""}
        assert records.iloc[learnt].equals(full.records.iloc[learnt])
        kept = full.records.columns.drop(["codes", "report"])
        assert records[kept].equals(full.records[kept])
    for split in ("train", "val"):
        assert np.array_equal(
            view.labels("super", split).values, full.labels("super", split).values
        )
    assert np.array_equal(view.store.signals, full.store.signals)
    assert view.fingerprint == full.fingerprint
    assert without_test_labels(view) is view
    assert without_test_labels(full).store.path == view.store.path
    assert full.labels("super", "test").values.any()  # the full one is as it was
    for split in ("test", None):
        with pytest.raises(DataError, match="withheld here"):
            view.labels("super", split)


@pytest.mark.usefixtures("small_matrix")
def test_tested_records_are_withheld_whatever_their_split() -> None:
    """A label set with splits of its own may test what is a training record elsewhere."""
    full = open_dataset("sim-tiny")
    train, test = full.rows("train"), full.rows("test")
    for dataset in (full, without_test_labels(full)):
        view = without_test_labels(dataset, train[:5])
        empty = np.flatnonzero((view.records["codes"] == "{}").to_numpy())
        assert set(empty) >= {*train[:5].tolist(), *test.tolist()}
        assert not set(view.labels("super", "train").rows) & set(train[:5])
        assert view.labels("super", "train").values.any()


def test_pre_training_gets_no_test_label(request_for: RequestFor) -> None:
    session = make_plan(request_for()).planned[0].session
    assert session.dataset.withheld
    assert [dataset.withheld for dataset in session.recipe.seen] == [True]


def test_a_bench_refuses_in_words(request_for: RequestFor) -> None:
    item = make_plan(request_for(tasks="sim-tiny-super/linear-probe@100%")).planned[0]
    bench = item.session.bench(item.group.questions[0], 0)
    for asked in (bench.labelled, bench.reports):
        with pytest.raises(EcgbenchError, match="asked for test"):
            asked("test")  # type: ignore[arg-type]
    with pytest.raises(EcgbenchError, match="asked for test reports"):
        bench.test_reports()
    assert bench.labelled("val").values.any()
    assert all(bench.reports("train").texts)


def test_only_a_protocol_that_ranks_reports_is_handed_them() -> None:
    ranked = {name for name in protocols.names() if protocols.get(name).predicts == "ranks"}
    assert ranked == {"retrieval"}


@pytest.mark.slow
def test_isolated_cells_predict_the_same_bytes(request_for: RequestFor, tmp_path: Path) -> None:
    tasks = "sim-tiny-super/linear-probe@100%,sim-tiny-super/shuffled-labels"
    plain, alone = (request_for(tasks=tasks, out=tmp_path / name) for name in ("plain", "alone"))
    carry_out(make_plan(plain))
    carry_out(make_plan(alone), isolate=True)
    results = [make_plan(request).results() for request in (plain, alone)]
    assert len(results[0]) == len(results[1]) > 1
    for one, other in zip(*results, strict=True):
        assert one.status == other.status == "ok"
        assert one.predictions == other.predictions  # with its SHA-256
        assert one.scores == other.scores
        assert one.choices == other.choices
        same = {"provenance", "costs", "test_evaluations"}
        assert one.model_dump(exclude=same) == other.model_dump(exclude=same)
    assert not list((Path(os.environ["ECGBENCH_HOME"]) / "isolated").iterdir())  # tidied up


@pytest.mark.slow
def test_the_home_of_an_isolated_cell_holds_no_test_label(request_for: RequestFor) -> None:
    session, question, draft = planted_cell(request_for, "SearchesTheHome")
    (isolated,) = run_isolated(session, [(question, draft)])
    assert isolated.scores is not None, isolated.reason
    assert isolated.scores.figures["auroc"].value == 0.5
    plain = cell_of(request_for, "SearchesTheHome")  # the docs say so: the guard stops no process
    assert plain.scores is not None
    assert plain.scores.figures["auroc"].value == 1.0


@pytest.mark.slow
def test_a_process_that_dies_is_a_failed_cell(request_for: RequestFor) -> None:
    session, question, draft = planted_cell(request_for, "Crashes")
    results = list(run_isolated(session, [(question, draft), (question, draft)]))
    assert [result.status for result in results] == ["failed", "failed"]
    assert results[0].reason == "its process ended before it had predicted"


def test_an_isolated_process_can_change_neither_figures_nor_the_question(
    request_for: RequestFor, tmp_path: Path
) -> None:
    session, question, draft = planted_cell(request_for, "ReadsTheCodes")
    job = _job(session, [(question, draft)], tmp_path)
    said = Session(job.recipe, job.dataset, job.targets.__getitem__, session.tested, job.out)
    honest = said.predict(question, draft)
    forged = honest.model_copy(
        update={
            "status": "ok",
            "scores": Scores(figures={}, resamples=1),
            "profile": "other",
            "verification": "verified",
            "config": {},
            "test_evaluations": 0,
            "data": draft.data.model_copy(update={"test_fingerprint": "0" * 64, "n_train": 5}),
        }
    )
    accepted = _accepted(session, job, draft, forged)
    assert accepted.data is not None
    assert accepted.data.n_train == 5
    assert accepted.model_dump(exclude={"data"}) == honest.model_dump(exclude={"data"})
    assert accepted.data.test_fingerprint == draft.data.test_fingerprint


def test_labels_from_outside_are_refused_in_isolation(request_for: RequestFor) -> None:
    session, question, draft = planted_cell(request_for, "ReadsTheCodes")
    task = question.task.model_copy(update={"labels": "merl-files/super"})
    (result,) = run_isolated(session, [(Question(task, question.protocol, "100%"), draft)])
    assert result.status == "failed"
    assert "run it without --isolate" in str(result.reason)
