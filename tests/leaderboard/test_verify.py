"""A planted forgery of each kind is caught, and said in words that name it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgbench.base.errors import DataError
from ecgbench.base.hashing import file_sha256
from ecgbench.evaluation.ground_truth import SplitSpec, Truth
from ecgbench.evaluation.scoring import score
from ecgbench.leaderboard.build import build
from ecgbench.leaderboard.verify import verify
from ecgbench.results.ledger import note_test_evaluation
from ecgbench.results.predictions import (
    RankPredictions,
    ScorePredictions,
    read_predictions,
    write_predictions,
)
from ecgbench.results.schema import Result
from ecgbench.results.store import path_of, read_result, read_results, write_result

from .made_up import RESAMPLES, board, predictions, put, record, split

METHODS = [("mae", 1.0), ("clip", 1.2), ("random_init", 0.3)]
OF = split()


def truth(of: Truth = OF) -> Truth:
    return Truth(of.classes, of.record_ids, of.values, of.patients)


def labels(wanted: SplitSpec) -> Truth:
    return truth()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = board(tmp_path / "board", METHODS, OF)
    for path in (made / "results").rglob("*.json"):  # the made-up fingerprint is not the labels'
        edit(path, lambda record: record["data"].update(test_fingerprint=truth().fingerprint))
    build(made)
    return made


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def cell(folder: Path, method: str = "mae", seed: int = 0) -> Path:
    return next((folder / "results").rglob(f"{method}@*/*-seed{seed}-draw0.json"))


def leave_out(path: Path) -> None:
    path.unlink()
    path.with_suffix(".npz").unlink()


def replace_predictions(path: Path, change: Callable[[ScorePredictions], ScorePredictions]) -> None:
    """Write other predictions and put their hash into the record, as a forger would."""
    file = path.with_suffix(".npz")
    found = read_predictions(file)
    assert isinstance(found, ScorePredictions)
    part = write_predictions(file, change(found))
    edit(path, lambda record: record["predictions"].update(sha256=part.sha256))


def said(folder: Path, **options: Any) -> str:
    return "\n".join(str(problem) for problem in verify(folder, labels, **options).problems)


@pytest.mark.parametrize("full", [False, True])
def test_an_honest_leaderboard_has_no_problem(folder: Path, full: bool) -> None:
    report = verify(folder, labels, full=full)
    assert report.problems == ()
    assert (report.cells, report.scored, report.unscored) == (6, 6, {})


def test_processes_find_the_same(folder: Path) -> None:
    edit(cell(folder), lambda r: r["scores"]["figures"]["auroc"].update(value=0.9))
    assert said(folder, jobs=2) == said(folder)


def test_figures_of_another_definition_of_the_metrics(folder: Path) -> None:
    edit(cell(folder), lambda r: r["scores"].update(metric_version=2))
    assert "says metric version 2; there are 1" in said(folder)


def test_a_changed_metric(folder: Path) -> None:
    edit(cell(folder), lambda r: r["scores"]["figures"]["auroc"].update(value=0.95))
    assert "mae@sim/sim-toy/toy-probe@100%/seed0-draw0: says auroc 0.95" in said(folder)


@pytest.mark.parametrize("part", ["low", "high", "se"])
def test_a_changed_interval(folder: Path, part: str) -> None:
    def widen(record: dict[str, Any]) -> None:
        record["scores"]["figures"]["auroc"][part] += 0.01

    edit(cell(folder), widen)
    assert f"says auroc ({part})" in said(folder)


@pytest.mark.parametrize("part", ["low", "high"])
def test_a_changed_interval_of_a_class(folder: Path, part: str) -> None:
    def widen(record: dict[str, Any]) -> None:
        record["scores"]["classes"][1]["auroc"][part] += 0.01

    edit(cell(folder), widen)
    assert "auroc of C1" in said(folder)


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("positives", 50, "positives 50 of C1"),
        ("threshold", 9.0, "threshold 9.0 of C1"),
        ("patients", 9.0, "effective patients 9.0 of C1"),
        ("name", "C9", "says class 'C9'"),
        ("auprc", {"value": 0.99}, "auprc of C1 0.99"),
        ("f1", {"value": 0.99}, "f1 of C1 0.99"),
    ],
)
def test_a_changed_figure_of_a_class(folder: Path, key: str, value: object, what: str) -> None:
    edit(cell(folder), lambda r: r["scores"]["classes"][1].update({key: value}))
    assert what in said(folder)


def test_replicates_of_another_method_make_it_look_equal(folder: Path) -> None:
    other = json.loads(cell(folder, "clip").read_text())["scores"]["replicates"]
    edit(cell(folder), lambda r: r["scores"].update(replicates=other))
    assert "its replicates of auroc differ" in said(folder)


def test_shared_resamples_of_another_method_make_it_look_unhurt(tmp_path: Path) -> None:
    paths = [
        put(
            tmp_path / "results",
            OF,
            skill,
            number,
            **{
                "method.name": name,
                "method.title": name.upper(),
                "protocol.variant": "clean",
                "data.test_fingerprint": truth().fingerprint,
            },
        )
        for number, (name, skill) in enumerate(METHODS[:2])
    ]
    build(tmp_path)
    assert said(tmp_path) == ""
    other = json.loads(paths[1].read_text())["scores"]["shared"]
    edit(paths[0], lambda r: r["scores"].update(shared=other))
    assert "its replicates of C0 differ on" in said(tmp_path)
    assert "(shared)" in said(tmp_path)
    edit(paths[0], lambda r: r["scores"]["shared"].pop("C0"))
    assert "has shared resamples of other classes than it scores" in said(tmp_path)


def test_replicates_beyond_the_quick_ones_are_caught_in_full(folder: Path) -> None:
    path = cell(folder)
    result = read_result(path)
    assert result.scores is not None
    from ecgbench.results.replicates import pack, unpack

    values = unpack(result.scores.replicates["auroc"])
    values[100:] = values[100:][::-1]
    forged = {**result.scores.replicates, "auroc": pack(values)}
    scores = result.scores.model_copy(update={"replicates": forged})
    write_result(folder / "results", result.model_copy(update={"scores": scores}))
    assert "its replicates of auroc differ" in said(folder, full=True)


def test_a_changed_score_in_the_predictions(folder: Path) -> None:
    path = cell(folder)
    file = path.with_suffix(".npz")
    found = read_predictions(file)
    assert isinstance(found, ScorePredictions)
    levels = found.levels.copy()
    levels[7, 2] = 32767
    changed = ScorePredictions(
        found.record_ids, found.classes, levels, found.offset, found.step, found.thresholds
    )
    write_predictions(file, changed)
    assert "not those that it was made from (SHA-256)" in said(folder)
    edit(path, lambda r: r["predictions"].update(sha256=file_sha256(file)))
    assert "its predictions give" in said(folder)


def test_swapped_records(folder: Path) -> None:
    def swap(found: ScorePredictions) -> ScorePredictions:
        ids = found.record_ids.copy()
        ids[[0, 1]] = ids[[1, 0]]
        return ScorePredictions(
            ids, found.classes, found.levels, found.offset, found.step, found.thresholds
        )

    replace_predictions(cell(folder), swap)
    assert "says auroc" in said(folder)


@pytest.mark.parametrize(
    ("records", "what"),
    [
        (slice(0, 119), "1 missing ('r00119')"),
        (slice(0, 60), "60 missing"),
    ],
)
def test_a_record_set_that_is_not_the_splits(folder: Path, records: slice, what: str) -> None:
    def shorten(found: ScorePredictions) -> ScorePredictions:
        return ScorePredictions(
            found.record_ids[records],
            found.classes,
            found.levels[records],
            found.offset,
            found.step,
            found.thresholds,
        )

    replace_predictions(cell(folder), shorten)
    assert what in said(folder)


def test_another_splits_labels(folder: Path) -> None:
    other = split(seed=9)  # the same record ids, other labels
    path = cell(folder)
    file = path.with_suffix(".npz")
    guessed = predictions(other, 2.0, 0)
    part = write_predictions(file, guessed)
    scores = score(guessed, other, resamples=RESAMPLES)
    result = read_result(path).model_copy(update={"scores": scores, "predictions": part})
    assert result.data is not None
    data = result.data.model_copy(update={"test_fingerprint": truth(other).fingerprint})
    write_result(folder / "results", result.model_copy(update={"data": data}))
    report = said(folder)
    assert "is of other test records or labels than the data set's" in report
    assert "is not the question that version.json pins" in report
    assert "says positives" in report


def test_a_nan(folder: Path) -> None:
    path = cell(folder)
    text = path.read_text().replace('"n_train": 800', '"n_train": NaN')
    path.write_text(text)
    assert f"{path}: It is no result: NaN is no number of JSON" in said(folder)


def test_a_nan_in_the_predictions(folder: Path) -> None:
    def spoil(found: ScorePredictions) -> ScorePredictions:
        step = found.step.copy()
        step[1] = np.nan
        return ScorePredictions(
            found.record_ids, found.classes, found.levels, found.offset, step, found.thresholds
        )

    replace_predictions(cell(folder), spoil)
    assert "120 scores are NaN" in said(folder)


def test_a_duplicate_cell(folder: Path) -> None:
    path = cell(folder)
    shutil.copy(path, path.with_name("again.json"))
    report = said(folder)
    assert "stands in two files" in report
    assert "belongs at" in report


@pytest.mark.parametrize(
    "key", [("task", "fingerprint"), ("protocol", "fingerprint"), ("data", "fingerprint")]
)
def test_an_edited_fingerprint(folder: Path, key: tuple[str, str]) -> None:
    edit(cell(folder), lambda r: r[key[0]].update({key[1]: "f" * 64}))
    assert "is not the question that version.json pins" in said(folder)


@pytest.mark.parametrize(
    ("key", "value", "said_"),
    [
        ("chance", None, "says that its chance is None; shuffled-labels has 0.5"),
        ("only", {"sex": "male"}, "group of test records"),
        ("predicts", "ranks", "kind of predictions"),
    ],
)
def test_what_tables_read_of_a_protocol_is_that_of_the_protocol(
    folder: Path, key: str, value: object, said_: str
) -> None:
    from ecgbench.plugins.catalogue import protocols

    spec = protocols.get("shuffled-labels")
    honest = {
        "name": spec.name,
        "version": spec.version,
        "track": spec.track,
        "variant": "10%",
        "fingerprint": spec.fingerprint(),
        "chance": spec.chance,
        "predicts": spec.predicts,
    }
    edit(cell(folder), lambda record: record["protocol"].update(honest))
    assert "says that its" not in said(folder)
    edit(cell(folder), lambda record: record["protocol"].update({key: value}))
    assert said_ in said(folder)


def test_fingerprints_are_held_against_the_tasks_that_are_installed(folder: Path) -> None:
    for path in (folder / "results").rglob("*.json"):  # all alike, and pinned so
        edit(path, lambda r: r["task"].update(name="ptbxl-sub"))
    report = said(folder)
    assert "its task fingerprint is not that of ptbxl-sub 1" in report
    assert "ptbxl-sub is a question on ptbxl sub" in report


def test_a_future_schema(folder: Path) -> None:
    edit(cell(folder), lambda r: r.update(schema_version=99))
    assert "schema version 99" in said(folder)


def test_a_cell_left_out_of_a_mean(folder: Path) -> None:
    path = cell(folder, "mae", 1)
    path.unlink()
    assert "are predictions of no result" in said(folder)
    path.with_suffix(".npz").unlink()
    report = said(folder)
    assert "toy-probe.csv differs" in report
    assert "cells.csv differs" in report


def test_a_cell_left_out_is_named_where_the_tables_were_not_built_again(folder: Path) -> None:
    leave_out(cell(folder, "mae", 1))
    key = "mae@sim/sim-toy/toy-probe@100%/seed1-draw0"
    assert f"{key}: stands in cells.csv, and its result is left out" in said(folder)


def test_a_cell_left_out_before_the_tables_were_built_is_named_by_the_ledger(folder: Path) -> None:
    results = folder / "results"
    for _, result in read_results(results):
        assert result.predictions is not None
        note_test_evaluation(results, result.key, result.predictions.sha256)
    assert said(folder) == ""
    leave_out(cell(folder, "mae", 1))
    build(folder)
    key = "mae@sim/sim-toy/toy-probe@100%/seed1-draw0"
    assert said(folder) == f"{key}: was run, by ledger.csv, and its result is left out"


def test_a_cell_run_until_it_looked_good_is_named(folder: Path) -> None:
    key = "mae@sim/sim-toy/toy-probe@100%/seed0-draw0"
    for digest in ("a", "b", "b"):
        note_test_evaluation(folder / "results", key, digest)
    assert said(folder) == f"{key}: says test_evaluations 1; ledger.csv has 2"


@pytest.mark.parametrize(
    ("figures", "what"),
    [
        ({}, "is verified without a reproduced auroc"),
        ({"auroc": 0.1, "auprc": 0.1, "f1": 0.1}, "came out as 0.1"),
    ],
)
def test_a_reproduction_written_by_hand(folder: Path, figures: dict[str, float], what: str) -> None:
    part = {"by": "me", "on": "2026-01-01", "device": "cpu", "figures": figures}
    edit(cell(folder), lambda r: r.update(verification="verified", reproduction=part))
    assert what in said(folder)


def test_test_labels_used_as_scores(folder: Path) -> None:
    put(folder / "results", OF, 1e6, **{"method.name": "oracle"})
    assert "oracle@sim/sim-toy/toy-probe@100%/seed0-draw0: is suspiciously perfect" in said(folder)


def test_missing_predictions(folder: Path) -> None:
    cell(folder).with_suffix(".npz").unlink()
    assert "are missing" in said(folder)


def test_an_edited_table(folder: Path) -> None:
    table = folder / "tables/sim-toy/toy-probe.csv"
    table.write_text(table.read_text().replace("random_init", "ours"))
    assert "toy-probe.csv differs" in said(folder)


def test_ranks_are_computed_again_from_the_reports(tmp_path: Path) -> None:
    count = len(OF.record_ids)
    whole = replace(truth(), texts=("sinus rhythm",) * count)
    ranks = np.arange(float(count)) + 1
    guessed = RankPredictions(whole.record_ids, ranks, ranks[::-1].copy())
    changes = {"data.test_fingerprint": whole.fingerprint, "protocol.predicts": "ranks"}
    bare = Result.model_validate(record(**changes))
    part = write_predictions(path_of(tmp_path, bare).with_suffix(".npz"), guessed)
    scores = score(guessed, whole, resamples=RESAMPLES)
    done = {"status": "ok", "reason": None, "scores": scores, "predictions": part}
    path = write_result(tmp_path, bare.model_copy(update=done))
    assert verify(tmp_path, lambda wanted: whole).problems == ()
    edit(path, lambda r: r["scores"]["figures"]["recall_at_10"].update(value=0.9))
    assert "says recall_at_10 0.9" in str(verify(tmp_path, lambda wanted: whole).problems)
    other = bare.model_copy(
        update={**done, "protocol": bare.protocol.model_copy(update={"predicts": "texts"})}
    )
    write_result(tmp_path, other)
    told = [problem.what for problem in verify(tmp_path, lambda wanted: whole).problems]
    assert "has ranks where its protocol predicts texts" in told


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"not an archive"])
def test_predictions_that_are_none(folder: Path, content: bytes) -> None:
    path = cell(folder)
    path.with_suffix(".npz").write_bytes(content)
    digest = file_sha256(path.with_suffix(".npz"))
    edit(path, lambda r: r["predictions"].update(sha256=digest))
    assert "holds no predictions" in said(folder)


def test_a_pickle_in_the_predictions_is_not_run(folder: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    path = cell(folder)
    with path.with_suffix(".npz").open("wb") as file:
        np.savez(file, record_ids=np.array([Bomb()], object), levels=np.array([Bomb()], object))
    digest = file_sha256(path.with_suffix(".npz"))
    edit(path, lambda r: r["predictions"].update(sha256=digest))
    assert "holds no predictions" in said(folder)
    assert not (tmp_path / "exploded").exists()


def test_labels_that_are_not_here_are_said(folder: Path) -> None:
    def nothing(wanted: SplitSpec) -> Truth:
        raise DataError(f"There is no prepared data of {wanted.dataset}.")

    report = verify(folder, nothing)
    assert report.problems == ()
    assert report.scored == 0
    assert report.unscored == {"sim": "There is no prepared data of sim."}


def test_only_some_are_scored_again_and_all_are_looked_at(folder: Path) -> None:
    edit(cell(folder, "clip"), lambda r: r["scores"]["figures"]["auroc"].update(value=0.9))
    report = verify(folder, labels, only=[cell(folder, "mae")])
    assert report.scored == 1
    assert "cells.csv differs" in "\n".join(map(str, report.problems))
    assert "says auroc" in said(folder, only=[cell(folder, "clip")])


def test_a_folder_of_ones_own_results_can_be_verified(folder: Path) -> None:
    report = verify(folder / "results", labels)
    assert report.problems == ()
    assert report.scored == 6


def test_verifying_never_imports_torch(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ecgbench.leaderboard.verify import verify\n"
        "from ecgbench.base.errors import DataError\n"
        "def none(task): raise DataError('none')\n"
        f"verify(Path({str(folder)!r}), none)\n"
        "assert 'torch' not in sys.modules, 'torch'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
