"""Forgeries that do not change a figure: `verify` names each of them."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgbench.base.errors import ResultError
from ecgbench.base.hashing import file_sha256
from ecgbench.leaderboard.build import build, check
from ecgbench.leaderboard.suspicion import too_perfect
from ecgbench.leaderboard.verify import verify
from ecgbench.results.parts import Scores
from ecgbench.results.predictions import (
    Predictions,
    RankPredictions,
    ScorePredictions,
    TextPredictions,
    read_predictions,
)
from ecgbench.results.store import read_result

from .made_up import put, put_scores, split
from .test_verify import OF, cell, edit, folder, labels, said

__all__ = ["folder"]  # the fixture
KEY = "mae@sim/sim-toy/toy-probe@100%/seed0-draw0"


def nested(depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(depth):
        made = {"a": made}
    return made


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda r: r.update(seed=10**18), "seed"),
        (lambda r: r.update(draw=10**18), "draw"),
        (lambda r: r["scores"].update(resamples=2 * 10**9), "resamples"),
        (lambda r: r["scores"]["replicates"]["auroc"].update(levels="AAAA"), "replicate"),
        (lambda r: r["costs"]["seconds"].update(pretrain=1e308), "pretrain"),
        (lambda r: r["costs"].update(peak_memory_mb=-1.0), "peak_memory_mb"),
        (lambda r: r["config"].update(pretrain="none"), "section of settings"),
        (lambda r: r["config"].update(model=nested(40)), "nested deeper"),
        (lambda r: r["config"].update(model={"x": list(range(30_000))}), "more than"),
        (lambda r: r["choices"].update(x="y" * 20_000), "20,000 characters"),
        (lambda r: r["protocol"].update(only={"sex": {"a": 1}}), "one value, or two numbers"),
        (lambda r: r["protocol"].update(only={"age": [1, 2, 3]}), "one value, or two numbers"),
        (lambda r: r.update(notes=["n" * 30_000]), "notes"),
        (lambda r: r.update(notes=["n"] * 1000), "notes"),
        (lambda r: r.update(profile="p" * 20_000), "profile"),
        (lambda r: r["method"].update(version=10**9), "version"),
        (lambda r: r["scores"]["figures"]["auroc"].update(value=1e200), "auroc"),
    ],
)
def test_a_record_beyond_all_bounds_is_named_and_the_others_go_on(
    folder: Path, change: Callable[[dict[str, Any]], object], what: str
) -> None:
    edit(cell(folder), change)
    report = verify(folder, labels)
    (problem,) = report.problems
    assert problem.where == str(cell(folder))
    assert what in problem.what
    assert report.scored == 5
    with pytest.raises(ResultError, match=r"mae@sim/toy-probe@100%-seed0-draw0\.json"):
        build(folder)
    table = (folder / "tables/sim-toy/toy-probe.csv").read_text()
    assert "clip" in table
    (line,) = check(folder)
    assert str(cell(folder)) in line


def test_every_unreadable_record_is_named_by_build(folder: Path) -> None:
    for seed in (0, 1):
        edit(cell(folder, "clip", seed), lambda r: r.update(seed=10**18))
    with pytest.raises(ResultError, match=r"2 results cannot be read") as raised:
        build(folder)
    assert all(f"seed{seed}-draw0.json" in raised.value.message for seed in (0, 1))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('"seed": 0,', '"seed": 1, "seed": 0,', "'seed' stands twice"),
        ('"config": {}', '"config": {"model": {"a": Infinity}}', "Infinity"),
        ('"config": {}', '"config": {"model": {"a": NaN}}', "NaN"),
        ('"config": {}', '"config": {"model": {"a": 1e999}}', "1e999"),
        ('"config": {}', '"config": ' + '{"a":' * 5000 + "1" + "}" * 5000, "is no result"),
    ],
)
def test_json_that_readers_would_read_differently(
    folder: Path, old: str, new: str, what: str
) -> None:
    path = cell(folder)
    text = json.dumps(json.loads(path.read_text()))
    assert old in text
    path.write_text(text.replace(old, new, 1))
    (problem,) = verify(folder, labels).problems
    assert problem.where == str(path)
    assert what in problem.what


def test_a_record_of_many_megabytes_is_not_read(folder: Path) -> None:
    path = cell(folder)
    with path.open("ab") as file:
        file.truncate(200 * 10**6)
    with pytest.raises(ResultError, match=r"200,000,000 bytes"):
        read_result(path)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_record_is_a_plain_file(folder: Path, kind: str) -> None:
    path = cell(folder)
    moved = path.rename(folder / "elsewhere")
    if kind == "link":
        path.symlink_to(moved)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert f"{path}: cannot be read: it is" in said(folder)


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_predictions_are_a_plain_file(folder: Path, kind: str) -> None:
    path = cell(folder).with_suffix(".npz")
    moved = path.rename(folder / "elsewhere")
    if kind == "link":
        path.symlink_to(moved)
    else:
        os.mkfifo(path)
    report = said(folder)
    assert "are no plain file" in report
    with pytest.raises(ResultError, match="it is"):
        read_predictions(path)


def repack(path: Path, **arrays: Any) -> None:
    """Write a cell's predictions with other arrays (None: without), and put their hash into the record."""
    file = path.with_suffix(".npz")
    with np.load(file) as found:
        held = {**{name: found[name] for name in found.files}, **arrays}
    np.savez_compressed(file, **{name: one for name, one in held.items() if one is not None})
    edit(path, lambda record: record["predictions"].update(sha256=file_sha256(file)))


@pytest.mark.parametrize(
    ("arrays", "what"),
    [
        ({"offset": np.zeros(2)}, "offset has shape (2,), not (4,)"),
        ({"thresholds": np.zeros((4, 4))}, "thresholds has shape (4, 4), not (4,)"),
        ({"step": np.float64(1.0)}, "step has shape (), not (4,)"),
        ({"offset": np.zeros(4, np.float32)}, "offset are float32, not float64"),
        ({"levels": np.zeros((120, 4))}, "levels are float64, not int16"),
        ({"extra": np.zeros(3)}, "'extra.npy'"),
        ({"texts": np.array(["a"] * 120)}, "holds no predictions: classes"),
        ({"offset": None}, "holds no predictions: classes"),
        ({"record_ids": np.array(["r" * 20_000])}, "texts of at most 10,000"),
        ({"record_ids": np.zeros(120)}, "record_ids holds float64"),
    ],
)
def test_arrays_that_do_not_fit(folder: Path, arrays: dict[str, Any], what: str) -> None:
    repack(cell(folder), **arrays)
    (problem,) = [p for p in verify(folder, labels).problems if p.where == KEY]
    assert what in problem.what


def test_an_archive_that_expands_to_gigabytes_is_not_expanded(folder: Path) -> None:
    path = cell(folder)
    file = path.with_suffix(".npz")
    with np.load(file) as found:
        arrays = {name: found[name] for name in found.files}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            if name != "levels":
                held = io.BytesIO()
                np.save(held, array)
                archive.writestr(f"{name}.npy", held.getvalue())
        with archive.open("levels.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(
                member, {"descr": "<i2", "fortran_order": False, "shape": (2**28, 4)}
            )
            for _ in range(1100):
                member.write(bytes(2**20))
    with pytest.raises(ResultError, match="bytes; 1,073,741,824 are allowed"):
        read_predictions(file)


def test_a_header_that_says_more_than_its_member_holds(folder: Path) -> None:
    file = cell(folder).with_suffix(".npz")
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        held, {"descr": "<f8", "fortran_order": False, "shape": (2**40,)}
    )
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("step.npy", held.getvalue())
    with pytest.raises(ResultError, match="the archive has fewer"):
        read_predictions(file)


def test_predictions_that_are_a_rivals(folder: Path) -> None:
    mine, rival = cell(folder), cell(folder, "mae", 1)
    part = json.loads(rival.read_text())["predictions"]
    edit(mine, lambda r: r.update(predictions=part))
    assert f"{KEY}: its predictions are another record's: {part['file']}" in said(folder)


def test_a_cell_that_breaks_scoring_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OverflowError("too large")

    monkeypatch.setattr("ecgbench.leaderboard.verify.score", broken)
    report = verify(folder, labels)
    assert len(report.problems) == 6
    assert "cannot be scored again: OverflowError: too large" in str(report.problems[0])


@pytest.mark.parametrize("name", ["ledger.csv", "../tables/cells.csv"])
def test_a_ledger_with_a_field_of_many_kilobytes(folder: Path, name: str) -> None:
    with (folder / "results" / name).open("a") as file:
        file.write("x" * 200_000 + ",b,c\n")
    assert "field larger than field limit" in said(folder)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"method.name": "m\u0430e", "method.title": "Other"}, "is not made of a-z"),
        ({"method.name": "clip@ptbxl-mini", "method.title": "Other"}, "is not made of a-z"),
        ({"method.name": "other", "method.title": "M\u0410E"}, "is not plain ASCII"),
        ({"method.name": "other", "method.title": "mae "}, "shares its title 'mae' with mae"),
        ({"method.title": "Better", "seed": 7}, "mae has several titles: 'better', 'mae'"),
        ({"method.name": "b", "method.title": "B", "pretraining.datasets": ["s\u0456m"]}, "corpus"),
        (
            {"method.name": "b", "method.title": "B", "protocol.variant": "0.1%"}
            | {"task.name": "ptbxl-sub", "protocol.name": "linear-probe"},
            "linear-probe has no such variant",
        ),
        (
            {"method.name": "b", "method.title": "B", "task.name": "ptbxl-sup"},
            "unknown task 'ptbxl-sup'",
        ),
        (
            {"method.name": "b", "method.title": "B", "protocol.name": "linear-prob"},
            "unknown protocol 'linear-prob'",
        ),
        (
            {"method.name": "b", "method.title": "B", "draw": 9}
            | {"task.name": "ptbxl-sub", "protocol.name": "linear-probe"},
            "has draw 9; ptbxl-sub/linear-probe@100% has draws 0 to 0",
        ),
        (
            {"method.name": "b", "method.title": "B", "overrides": ["model.width=512"]},
            "its overrides make 'model.width=512'",
        ),
        (
            {"method.name": "b", "method.title": "B", "pretraining.datasets": []}
            | {"config": {"pretrain": {"steps": 10}}},
            "and says on nothing",
        ),
        (
            {"method.name": "b", "method.title": "B", "pretraining.steps": 0}
            | {"config": {"pretrain": {"steps": 10}}},
            "says 0 steps of pre-training; its configuration has 10",
        ),
        (
            {"method.name": "b", "method.title": "B"}
            | {"config": {"pretrain": {"steps": 10, "before": ["ptbxl"]}}},
            "was pre-trained on ptbxl by its configuration, and does not say so",
        ),
    ],
)
def test_a_claim_that_is_none(folder: Path, changes: dict[str, Any], what: str) -> None:
    assert what not in said(folder)
    put(folder / "results", OF, 0.5, 77, **changes)
    assert what in said(folder)


def test_a_copy_of_a_row_under_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(cell(folder).parent, tmp_path / "copy")
    (folder / "results/sim-toy/link").symlink_to(tmp_path / "copy")
    assert verify(folder, labels).problems == ()


def test_a_note_in_words_that_no_protocol_writes(folder: Path) -> None:
    honest = (
        "Aligned post hoc to TF-IDF reduced to 256 dimensions on 615 training reports: "
        "the method has no text tower."
    )
    edit(cell(folder), lambda r: r.update(notes=[honest]))
    assert "has a note" not in said(folder)
    edit(cell(folder), lambda r: r.update(notes=["Verified by the maintainers"]))
    assert "has a note that no protocol writes: 'Verified by the maintainers'" in said(folder)


@pytest.mark.parametrize("noise", [0.0005, 0.002])
def test_another_methods_predictions_with_a_little_noise(folder: Path, noise: float) -> None:
    found = read_predictions(cell(folder, "clip", 1).with_suffix(".npz"))
    assert isinstance(found, ScorePredictions)
    scores = found.scores
    moved = scores + noise * np.ptp(scores) * np.random.default_rng(0).normal(size=scores.shape)
    changes = {"method.name": "ours", "method.title": "Ours"}
    changes["data.test_fingerprint"] = OF.fingerprint
    put_scores(folder / "results", OF, moved, **changes)
    build(folder)
    report = said(folder)
    (line,) = report.splitlines()  # once a pair of rows
    assert "orders the test records as " in line
    assert "ours@sim" in line
    assert "clip@sim" in line


def test_the_same_file_under_two_names_is_one_row_and_no_copy(folder: Path) -> None:
    found = read_predictions(cell(folder, "clip", 1).with_suffix(".npz"))
    assert isinstance(found, ScorePredictions)
    changes = {"method.name": "ours", "method.title": "Ours"}
    path = put_scores(folder / "results", OF, found.scores, **changes)
    shutil.copy(cell(folder, "clip", 1).with_suffix(".npz"), path.with_suffix(".npz"))
    edit(
        path,
        lambda r: r["predictions"].update(sha256=file_sha256(path.with_suffix(".npz"))),
    )
    assert "orders the test records" not in said(folder)


def test_ranks_and_texts_that_are_the_answers() -> None:
    ids = np.array([f"r{i}" for i in range(40)])
    texts = tuple(f"report {i}" for i in range(40))
    whole = replace(split(40), texts=texts)
    ones, order = np.ones(40), np.arange(40.0) + 1
    nothing = Scores(figures={}, resamples=0)

    def told(predictions: Predictions) -> str:
        return "\n".join(too_perfect(predictions, whole, nothing))

    assert "nearly all reports have rank 1" in told(RankPredictions(ids, ones, order))
    assert "nearly all ECGs have rank 1" in told(RankPredictions(ids, order, ones))
    assert told(RankPredictions(ids, order, order)) == ""
    assert "40 of 40 texts are the references" in told(
        TextPredictions(ids, tuple(f" REPORT  {i}" for i in range(40)))
    )
    assert told(TextPredictions(ids, ("report 1",) * 40)) == ""
