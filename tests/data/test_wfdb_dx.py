"""CPSC2018 and CSN, on the real records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecgbench.base.errors import DataError
from ecgbench.data.dataset import Dataset
from ecgbench.data.layouts.wfdb_dx import read_label_sets
from ecgbench.data.opening import prepare
from ecgbench.data.reading.recording import read_with_wfdb
from ecgbench.data.spec import datasets

from .conftest import ecg_like, write_record
from .samples import cpsc_with_reference, linked, sample_of


@pytest.fixture
def cpsc(shared_data, tmp_path, add_spec, ecgbench_home) -> Dataset:
    """The 155 real records with the labels of CPSC2018's own REFERENCE.csv."""
    add_spec(sample_of("cpsc2018"))
    folder = cpsc_with_reference(shared_data, tmp_path / "cpsc")
    return prepare("cpsc2018-sample", folder, workers=1)


@pytest.fixture
def csn(shared_data, tmp_path, add_spec, ecgbench_home) -> Dataset:
    add_spec(sample_of("csn"))
    return prepare("csn-sample", linked(shared_data / "csn", tmp_path / "csn"), workers=1)


def merl_labels(shared_data: Path, folder: str, key: str) -> pd.DataFrame:
    files = [
        shared_data / f"labels/merl/{folder}/{folder}_{s}.csv" for s in ("train", "val", "test")
    ]
    table = pd.concat([pd.read_csv(file) for file in files])
    return table.set_index(table[key].map(lambda path: Path(path).stem))


def test_cpsc2018_signals_are_those_of_wfdb(cpsc, shared_data) -> None:
    assert len(cpsc.store) + sum(cpsc.store.manifest["quarantined"].values()) == 155
    for row in (0, 40, 100):
        record = cpsc.records.index[row]
        signals = read_with_wfdb(shared_data / f"cpsc2018/{record}").signals[:, :5000]
        length = cpsc.store.lengths[row]
        assert length == signals.shape[1]
        np.testing.assert_allclose(cpsc.store.read([row])[0, :, :length], signals, rtol=2e-7)
    assert cpsc.store.lengths.min() >= 2500
    assert cpsc.store.shape[2] == 5000


def test_cpsc2018_labels_are_merls_where_the_reference_is_there(cpsc, shared_data) -> None:
    table = cpsc.labels("standard")
    assert table.classes == ("1AVB", "AFIB", "CLBBB", "CRBBB", "NORM", "PAC", "STD", "STE", "VPC")
    theirs = merl_labels(shared_data, "icbeb", "filename").loc[list(table.record_ids)]
    np.testing.assert_array_equal(table.values, theirs[list(table.classes)].to_numpy())
    assert len(table.rows) == len(cpsc.store)


def test_cpsc2018_labels_of_headers_agree_where_a_header_has_any(
    cpsc, shared_data, add_spec, tmp_path
) -> None:
    folder = linked(shared_data / "cpsc2018", tmp_path / "headers")
    table = prepare("cpsc2018-sample", folder, workers=1).labels("standard")
    assert len(table.rows) == 145  # ten of these headers carry no diagnosis
    by_reference = cpsc.labels("standard")
    where = {record: row for row, record in enumerate(by_reference.record_ids)}
    rows = [where[record] for record in table.record_ids]
    differ = (by_reference.values[rows] != table.values).any(axis=1)
    assert table.record_ids[differ].tolist() == []


def test_cpsc2018_metadata(cpsc) -> None:
    assert cpsc.records.loc["A0001", ["age", "sex"]].tolist() == [74.0, "male"]
    assert cpsc.records["patient_id"].is_unique
    assert set(cpsc.records["split"]) == {"train", "val", "test"}


def test_csn_codes_are_matched_whole(csn, shared_data) -> None:
    """MERL matched substrings of acronyms: AF was found in AFIB, ST in STTC and STE."""
    table = csn.labels("merl")
    assert len(table.classes) == 38
    theirs = merl_labels(shared_data, "chapman", "ecg_path")
    both = [record for record in table.record_ids if record in theirs.index]
    assert len(both) > 30
    where = {record: row for row, record in enumerate(table.record_ids)}
    for record in both:
        ours = {c for c, on in zip(table.classes, table.values[where[record]], strict=True) if on}
        listed = set(theirs.loc[record, "diagnose"].split(","))
        assert ours == listed & set(table.classes), record
    column = table.classes.index("AF")
    assert table.values[where["JS00001"], column] == 0  # AFIB and no flutter
    assert theirs.loc["JS00001", "AF"] == 1  # the mistake that this replaces


def test_csn_sinus_bradycardia_is_a_class_of_ours(csn) -> None:
    ours, merl = csn.labels("standard"), csn.labels("merl")
    assert set(ours.classes) - set(merl.classes) == {"SB"}
    assert int(ours.values[:, ours.classes.index("SB")].sum()) == 19
    assert len(ours.rows) > len(merl.rows)


def test_every_code_of_a_class_is_told_from_every_other() -> None:
    for name in ("cpsc2018", "csn"):
        for label_set in read_label_sets(datasets.get(name)).values():
            assert all(len(classes) == 1 for classes in label_set.classes_of.values())


def test_mat_records_of_both_sets_are_read(cpsc, csn, shared_data) -> None:
    assert len(cpsc.store) == 155
    assert len(csn.store) == 64
    quarantine = csn.store.read_quarantine().set_index("record_id")["reason"]
    assert quarantine.to_dict() == {  # real records with electrodes that were off
        "JS11438": "flat: V1 V2 V3 V4 V5 V6",
        "JS20004": "flat: V2 V4 V6",
        "JS20008": "flat: V2 V4 V6",
    }
    signals = read_with_wfdb(shared_data / "csn/JS00001").signals
    row = list(csn.records.index).index("JS00001")
    np.testing.assert_allclose(csn.store.read([row])[0], signals, rtol=2e-7)


def test_splits_do_not_depend_on_what_else_is_there(csn, shared_data, tmp_path, add_spec) -> None:
    folder = linked(shared_data / "csn", tmp_path / "fewer")
    for record in csn.records.index[:30]:
        for suffix in (".hea", ".mat"):
            (folder / f"{record}{suffix}").unlink()
    fewer = prepare("csn-sample", folder, workers=1)
    assert fewer.records["fold"].equals(csn.records["fold"].loc[fewer.records.index])


def test_the_whole_data_set_is_expected_by_its_name(shared_data, ecgbench_home) -> None:
    with pytest.raises(DataError, match="expected 6,877 records, found 155"):
        prepare("cpsc2018", shared_data / "cpsc2018")


def test_two_copies_below_one_folder_are_refused(tmp_path, add_spec, ecgbench_home) -> None:
    add_spec(sample_of("csn"))
    for copy in ("a", "b"):
        signals = ecg_like(np.random.default_rng(0), 5000, 500)
        write_record(tmp_path / "csn", f"{copy}/JS1", signals, fs=500)
    with pytest.raises(DataError, match="two records of one name"):
        prepare("csn-sample", tmp_path / "csn")
