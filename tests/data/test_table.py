"""A user's own data: a YAML file, a CSV file and recordings, no code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgbench.base.errors import ConfigError, DataError
from ecgbench.data.opening import prepare
from ecgbench.data.reading.recording import read_recording

from .conftest import ecg_like, write_record

MINE = """
name: mine
title: Our clinic's ECGs
version: "1"
licence: private
citation: none
layout: table
rate: 250
seconds: 10
label_sets: [diagnosis, rhythm]
reports: true
splits: {by: patient}
options:
  columns: {record_id: id, path: file, patient_id: person, report: text}
  labels:
    diagnosis: {column: dx, separator: ";"}
    rhythm: {columns: [AFIB, SR]}
"""
ROWS = """id,file,person,age,sex,text,dx,AFIB,SR
a1,ecg/a1,p1,70,F,"fibrillation, fast",MI; STTC,1,0
a2,ecg/a2.hea,p1,71,f,,,0,1
b1,ecg/b1,p2,,M,normal,NORM,0,1
c1,ecg/c1.npy,p3,33,,"flutter",,,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "mine"
    rng = np.random.default_rng(0)
    for name in ("a1", "a2", "b1"):
        write_record(root, f"ecg/{name}", ecg_like(rng, 2500, 250), fs=250)
    np.save(root / "ecg/c1.npy", ecg_like(rng, 2500, 250).T)
    (root / "records.csv").write_text(ROWS)
    return root


def test_own_data_needs_no_code(ecgbench_home, add_spec, folder) -> None:
    add_spec(MINE)
    dataset = prepare("mine", folder, workers=1)
    assert dataset.store.manifest["quarantined"] == {}
    assert dataset.store.shape == (4, 12, 2500)
    records = dataset.records
    assert records["patient_id"].tolist() == ["p1", "p1", "p2", "p3"]
    assert records["sex"].tolist() == ["female", "female", "male", ""]
    assert records["report"].tolist() == ["fibrillation, fast", "", "normal", "flutter"]
    assert np.isnan(records.loc["b1", "age"])
    assert records.loc["a1", "fold"] == records.loc["a2", "fold"]
    diagnosis, rhythm = dataset.labels("diagnosis"), dataset.labels("rhythm")
    assert diagnosis.classes == ("MI", "NORM", "STTC")
    assert dict(zip(diagnosis.record_ids, diagnosis.values.tolist(), strict=True)) == {
        "a1": [1, 0, 1],
        "b1": [0, 1, 0],
    }
    assert rhythm.classes == ("AFIB", "SR")
    assert rhythm.values.tolist() == [[1, 0], [0, 1], [0, 1]]
    array = np.load(folder / "ecg/c1.npy")
    np.testing.assert_allclose(dataset.store.read([3])[0], array, atol=1e-4)


def test_splits_of_the_user_are_kept(ecgbench_home, add_spec, folder) -> None:
    add_spec(MINE)
    splits = iter(["split", "train", "train", "val", "test"])
    lines = [f"{line},{next(splits)}" for line in ROWS.strip().splitlines()]
    (folder / "records.csv").write_text("\n".join(lines) + "\n")
    records = prepare("mine", folder, workers=1).records
    assert records["split"].tolist() == ["train", "train", "val", "test"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id,file,", "key,file,", "no column 'id'"),
        ("a2,", "a1,", "record_id twice or empty: 'a1'"),
        (",f,", ",woman,", "sex 'woman'"),
        (",1,0\n", ",yes,0\n", "'yes' in the column 'AFIB'"),
        ("dx,AFIB", "dxx,AFIB", "no column 'dx'"),
    ],
)
def test_what_is_wrong_with_the_table_is_named(
    ecgbench_home, add_spec, folder, old, new, message
) -> None:
    add_spec(MINE)
    assert old in ROWS
    (folder / "records.csv").write_text(ROWS.replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        prepare("mine", folder, workers=1)


def test_a_patient_in_two_splits_is_refused(ecgbench_home, add_spec, folder) -> None:
    add_spec(MINE)
    splits = iter(["split", "train", "test", "val", "test"])
    lines = [f"{line},{next(splits)}" for line in ROWS.strip().splitlines()]
    (folder / "records.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="patient 'p1' in two splits"):
        prepare("mine", folder, workers=1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("patient_id: person", "patient: person", "options.columns has 'patient'"),
        ("{column: dx, separator", "{column: dx, columns: [a], separator", "either"),
        ("[diagnosis, rhythm]", "[diagnosis]", "Name the same|label_sets says"),
        ("    rhythm:", "    rythm:", "label_sets says"),
    ],
)
def test_what_is_wrong_with_the_entry_is_named(
    ecgbench_home, add_spec, folder, old, new, message
) -> None:
    assert old in MINE
    add_spec(MINE.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        prepare("mine", folder, workers=1)


def test_recordings_that_are_wrong_are_quarantined(ecgbench_home, add_spec, folder) -> None:
    add_spec(MINE)
    np.save(folder / "ecg/c1.npy", np.zeros((8, 2500)))
    (folder / "ecg/b1.dat").unlink()
    dataset = prepare("mine", folder, workers=1)
    assert dataset.store.manifest["quarantined"] == {"lacks a lead": 1, "cannot read": 1}


def test_limb_leads_are_derived_where_the_entry_asks_for_it(
    ecgbench_home, add_spec, folder
) -> None:
    eight = [0, 1, 6, 7, 8, 9, 10, 11]
    whole = read_recording(folder / "ecg/a1")
    names = [whole.leads[lead] for lead in eight]
    write_record(folder, "ecg/a1", whole.signals[eight].T, fs=250, sig_name=names)
    add_spec(MINE)
    assert prepare("mine", folder, workers=1).store.manifest["quarantined"] == {"lacks a lead": 1}
    add_spec(MINE + "derive_limb_leads: true\n")
    dataset = prepare("mine", folder, workers=1)
    assert dataset.store.manifest["quarantined"] == {}
    assert dataset.store.manifest["derived_leads"] == 1
    made = dict(zip(dataset.store.leads, dataset.store.read([0])[0], strict=True))
    np.testing.assert_allclose(made["III"], whole.signals[1] - whole.signals[0], atol=1e-6)
    np.testing.assert_allclose(made["aVR"], -whole.signals[:2].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(made["V4"], whole.signals[9], atol=1e-6)
    write_record(folder, "ecg/a1", whole.signals[6:].T, fs=250, sig_name=list(whole.leads[6:]))
    dataset = prepare("mine", folder, workers=1)  # nothing to derive from
    assert dataset.store.manifest["quarantined"] == {"lacks a lead": 1}


def test_the_example_of_the_docs_is_this_one(project_root) -> None:
    text = (project_root / "docs/data.md").read_text()
    assert MINE.strip() in text
    assert ROWS.strip() in text
