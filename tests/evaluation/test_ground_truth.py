"""The test records of a task and protocol."""

from __future__ import annotations

import functools
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecgbench.base.errors import DataError
from ecgbench.base.hashing import file_sha256
from ecgbench.data.labels import LabelTable
from ecgbench.evaluation.ground_truth import SplitSpec, Truth, split_of
from ecgbench.evaluation.label_sources import (
    from_metadata,
    labels_from,
    prepared,
    read_once,
)


def dataset() -> Any:
    """Six test records of a made-up data set; the last but one has no report."""
    records = pd.DataFrame(
        {
            "patient_id": ["p0", "p0", "p1", "p2", "p3", "p4"],
            "sex": ["male", "female", "female", "", "male", "female"],
            "age": [49.0, 50.0, 70.0, np.nan, 300.0, 69.9],
            "report": ["a b", "c", "d", "e", " ", "f"],
        },
        index=[f"r{i}" for i in range(6)],
    )
    values = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 0, 1], [0, 1, 1]], np.uint8)
    ids = records.index.to_numpy(dtype=str)
    table = LabelTable("toy", ("A", "B", "C"), ids, np.arange(6), values)
    return SimpleNamespace(records=records, fingerprint="f", labels=lambda label_set, split: table)


def test_without_a_wish_every_test_record_counts() -> None:
    found = split_of(dataset(), SplitSpec("toy", "toy"))
    assert found.record_ids.tolist() == ["r0", "r1", "r2", "r3", "r4", "r5"]
    assert found.classes == ("A", "B", "C")
    assert found.patients.tolist() == ["p0", "p0", "p1", "p2", "p3", "p4"]
    assert found.data_fingerprint == "f"


@pytest.mark.parametrize(
    ("only", "kept"),
    [
        ({"sex": "female"}, ["r1", "r2", "r5"]),
        ({"age": [50, 70]}, ["r1", "r5"]),  # from 50, below 70; an unknown age is in no group
        ({"age": [70, 400]}, ["r2", "r4"]),
        ({"age": [50, 70], "sex": "female"}, ["r1", "r5"]),
    ],
)
def test_groups(only: dict[str, Any], kept: list[str]) -> None:
    found = split_of(dataset(), SplitSpec.of("toy", "toy", {}, only, "scores"))
    assert found.record_ids.tolist() == kept
    assert found.rows is not None
    assert [f"r{row}" for row in found.rows] == kept


def test_texts_and_ranks_are_asked_of_records_with_a_report() -> None:
    found = split_of(dataset(), SplitSpec.of("toy", "toy", {}, {}, "texts"))
    assert found.record_ids.tolist() == ["r0", "r1", "r2", "r3", "r5"]
    assert found.texts == ("a b", "c", "d", "e", "f")


def test_a_mapped_class_is_there_where_any_that_makes_it_is() -> None:
    wanted = SplitSpec.of("toy", "toy", {"Z": ("C",), "Y": ("A", "B")}, {}, "scores")
    found = split_of(dataset(), wanted)
    assert found.classes == ("Y", "Z")
    assert found.values.tolist() == [[1, 0], [1, 0], [0, 1], [1, 0], [0, 1], [1, 1]]


def test_what_cannot_be_chosen_is_named() -> None:
    with pytest.raises(DataError, match="no column 'height'"):
        split_of(dataset(), SplitSpec.of("toy", "toy", {}, {"height": 3}, "scores"))
    with pytest.raises(DataError, match="no class 'D'"):
        split_of(dataset(), SplitSpec.of("toy", "toy", {"Y": ("D",)}, {}, "scores"))


def test_a_group_of_nobody_is_empty() -> None:
    found = split_of(
        dataset(), SplitSpec.of("toy", "toy", {"Y": ("A",)}, {"sex": "unknown"}, "texts")
    )
    assert len(found) == 0
    assert found.values.shape == (0, 1)
    assert found.fingerprint


def test_labels_from_metadata_are_those_of_the_data_set(shared_data: Path) -> None:
    found = from_metadata(shared_data / "ptbxl-mini")(SplitSpec("ptbxl-mini", "sub"))
    assert len(found.classes) == 23
    assert int((found.values.sum(axis=0) > 0).sum()) == 20  # as the protocol says
    assert len(found.record_ids) == len(found.patients) <= 194


@pytest.mark.slow
def test_prepared_data_and_metadata_alone_give_the_same_truth(
    shared_data: Path, ecgbench_home: Path
) -> None:
    from ecgbench.data.opening import prepare

    source = shared_data / "ptbxl-mini"
    prepare("ptbxl-mini", source, workers=1)
    asked = [
        SplitSpec("ptbxl-mini", name) for name in ("super", "form", "rhythm", "diagnostic", "all")
    ]
    asked += [
        SplitSpec.of("ptbxl-mini", "sub", {}, {"age": [50, 70]}, "scores"),
        SplitSpec.of("ptbxl-mini", "sub", {"X": ("NORM", "AMI")}, {"sex": "male"}, "texts"),
    ]
    for wanted in asked:
        one, other = prepared(wanted), from_metadata(source)(wanted)
        assert one.fingerprint == other.fingerprint
        assert one.patients.tolist() == other.patients.tolist()
        assert one.texts == other.texts


def test_metadata_that_is_not_there_is_fetched_and_nothing_else(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = tmp_path / "server/ptb-xl/1.0.3"
    served.mkdir(parents=True)
    for name in ("ptbxl_database.csv", "scp_statements.csv"):
        shutil.copy(shared_data / "ptbxl-mini" / name, served)
    (served / "00001_hr.dat").write_bytes(b"a signal")
    sums = [f"{file_sha256(path)} {path.name}\n" for path in sorted(served.iterdir())]
    (served / "SHA256SUMS.txt").write_text("".join(sums))
    folder = tmp_path / "labels"
    handler = functools.partial(Quiet, directory=str(tmp_path / "server"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("ECGBENCH_PHYSIONET_URL", f"http://127.0.0.1:{http.server_port}")
        fetched = labels_from(folder)(SplitSpec("ptbxl-mini", "sub"))
        http.shutdown()
    assert {path.suffix for path in folder.iterdir()} == {".csv", ".txt"}
    here = from_metadata(shared_data / "ptbxl-mini")(SplitSpec("ptbxl-mini", "sub"))
    assert fetched.fingerprint == here.fingerprint
    again = labels_from(folder)(SplitSpec("ptbxl-mini", "sub"))  # the server is gone
    assert again.fingerprint == here.fingerprint


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def test_each_split_is_read_once_and_one_that_cannot_be_read_gives_its_error() -> None:
    asked: list[str] = []

    def reader(wanted: SplitSpec) -> Truth:
        asked.append(wanted.dataset)
        if wanted.dataset == "gone":
            raise DataError("There is none.")
        return split_of(dataset(), wanted)

    read = read_once(reader)
    here, gone = SplitSpec("toy", "toy"), SplitSpec("gone", "toy")
    assert read(here) is read(here)
    assert isinstance(read(here), Truth)
    assert isinstance(read(gone), DataError)
    assert read(gone) is read(gone)
    assert asked == ["toy", "gone"]
