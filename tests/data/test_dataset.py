from __future__ import annotations

import shutil

import numpy as np
import pytest

from ecgbench.base.errors import DataError, UnknownNameError
from ecgbench.data import generated
from ecgbench.data.generated import generated_source
from ecgbench.data.opening import open_dataset, prepare
from ecgbench.data.spec import datasets

from .conftest import TOY


def test_records_carry_what_tasks_ask_for(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    records = prepare("toy", toy_folder, workers=1).records
    assert records.index.name == "record_id"
    first = records.loc["1"]
    assert first["patient_id"] == "1"
    assert records.loc["2", "patient_id"] == "1"
    assert (first["fold"], first["split"]) == (2, "train")
    assert (first["age"], first["sex"], records.loc["2", "sex"]) == (41.0, "female", "male")
    assert (first["site"], first["device"], first["report"]) == ("1", "AT-6 C", "report, 1")


def test_splits_are_the_folds_and_disjoint_by_patient(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    dataset = prepare("toy", toy_folder, workers=1)
    rows = {split: dataset.rows(split) for split in ("train", "val", "test")}
    assert sorted(np.concatenate(list(rows.values()))) == list(range(20))
    assert set(dataset.records["fold"].iloc[rows["val"]]) == {9}
    assert set(dataset.records["fold"].iloc[rows["test"]]) == {10}
    patients = [set(dataset.records["patient_id"].iloc[chosen]) for chosen in rows.values()]
    assert not patients[0] & patients[1]
    assert not patients[0] & patients[2]
    with pytest.raises(DataError, match="No split 'tset'"):
        dataset.rows("tset")


def test_labels_drop_records_without_one(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    dataset = prepare("toy", toy_folder, workers=1)
    table = dataset.labels("sub")
    assert table.classes == ("AMI", "IMI", "NORM", "STTC")
    assert len(table.rows) == 15  # each fourth record has PVC alone
    np.testing.assert_array_equal(table.record_ids, dataset.records.index[table.rows])
    by_id = dict(zip(table.record_ids, table.values.tolist(), strict=True))
    assert by_id["1"] == [1, 1, 0, 0]  # IMI at likelihood 0 counts
    assert by_id["4"] == [0, 0, 1, 0]
    assert "3" not in by_id
    assert dataset.labels("form").classes == ("NDT", "PVC")
    everything = dataset.labels("all", "test")
    assert set(everything.rows) == set(dataset.rows("test"))


def test_an_unknown_label_set_says_the_nearest(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    dataset = prepare("toy", toy_folder, workers=1)
    with pytest.raises(DataError, match="no label set 'rythm'") as caught:
        dataset.labels("rythm")
    assert "rhythm" in str(caught.value.hint)


def test_what_is_not_prepared_names_the_two_commands(ecgbench_home) -> None:
    with pytest.raises(DataError) as caught:
        open_dataset("ptbxl")
    hint = str(caught.value.hint)
    assert "ecgbench data fetch ptbxl" in hint
    assert "ecgbench data prepare ptbxl --source DIR" in hint
    with pytest.raises(UnknownNameError):
        open_dataset("ptbxxl")


def test_opening_with_a_source_prepares(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    made = open_dataset("toy", toy_folder)
    assert open_dataset("toy").fingerprint == made.fingerprint


SIMULATED = (
    TOY.replace("name: toy", "name: simtoy")
    + "simulated: true\ngenerator: {records: 20, seed: 3}\nrecords: 20\n"
)


def test_simulated_sets_are_made_once_and_again_when_the_simulator_changes(
    ecgbench_home, add_spec, monkeypatch, toy_template
) -> None:
    spec = add_spec(SIMULATED)
    calls: list[tuple[int, int, int]] = []

    def write(out, n_records, seed, workers, rate) -> None:
        calls.append((n_records, seed, rate))
        shutil.copytree(toy_template, out, dirs_exist_ok=True)

    monkeypatch.setattr("ecgbench.simulated.write_corpus", write)
    first = open_dataset("simtoy")
    assert first.simulated
    assert open_dataset("simtoy").store.path == first.store.path
    assert calls == [(20, 3, 100)]
    monkeypatch.setattr(generated, "code_address", lambda entry: "another simulator")
    assert open_dataset("simtoy").fingerprint == first.fingerprint  # the same bytes came out
    assert len(calls) == 2
    assert generated_source(spec).is_dir()
    with pytest.raises(DataError, match="not simulated"):
        generated_source(datasets.get("ptbxl"))


def test_an_interrupted_simulation_leaves_nothing(ecgbench_home, add_spec, monkeypatch) -> None:
    add_spec(SIMULATED)

    def stops(out, **arguments) -> None:
        (out / "half").write_text("")
        raise KeyboardInterrupt

    monkeypatch.setattr("ecgbench.simulated.write_corpus", stops)
    with pytest.raises(KeyboardInterrupt):
        open_dataset("simtoy")
    left = list((ecgbench_home / "sources").iterdir())
    assert [path.suffix for path in left] == [".lock"]
