"""Tables in the shape of ones that people had: each case is one of a kind (blank ids, flags, folds ...)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgbench.base.errors import ConfigError, DataError
from ecgbench.data.dataset import Dataset
from ecgbench.data.opening import prepare
from ecgbench.data.report import classes, contents, warnings_of

from .conftest import ecg_like, own_entry, write_record

DX = {"dx": {"column": "dx", "separator": ";"}}


@pytest.fixture
def own(ecgbench_home, add_spec, tmp_path):
    """``own(table, labels=..., **keys)``: prepare a table whose records are all the same ECG."""
    folder = tmp_path / "own"
    write_record(folder, "r", ecg_like(np.random.default_rng(0), 1000, 100))

    def run(table: list[str] | bytes, labels: dict[str, object] | None = None, **keys) -> Dataset:
        options = {"labels": labels or {}, **keys.pop("options", {})}
        add_spec(own_entry(label_sets=sorted(labels or {}), options=options, **keys))
        data = table if isinstance(table, bytes) else "\n".join([*table, ""]).encode()
        (folder / "records.csv").write_bytes(data)
        return prepare("own", folder, workers=1)

    return run


def test_a_column_of_0_and_1_is_one_class_with_its_negatives(own) -> None:
    flags = ["1", "0", "0", "", "1.0", "nan", "0.0"]
    rows = [f"r{n},r,{flag}" for n, flag in enumerate(flags)]
    for wanted in ({"columns": ["chagas"]}, {"column": "chagas"}):
        labels = own(["record_id,path,chagas", *rows], {"chagas": wanted}).labels("chagas")
        assert labels.classes == ("chagas",)
        assert labels.record_ids.tolist() == ["r0", "r1", "r2", "r4", "r6"]
        assert labels.values[:, 0].tolist() == [1, 0, 0, 1, 0]


def test_rows_of_zeros_are_negatives_of_every_class(own) -> None:
    rows = ["a,r,1,0", "b,r,0,0", "c,r,,", "d,r,1,"]
    made = own(["record_id,path,AFIB,SR", *rows], {"rhythm": {"columns": ["AFIB", "SR"]}})
    labels = made.labels("rhythm")
    assert labels.record_ids.tolist() == ["a", "b"]  # d says nothing of SR: no negative of it
    assert labels.values.tolist() == [[1, 0], [0, 0]]
    assert made.store.manifest["doubtful"] == {"partly labelled": 1}


@pytest.mark.parametrize(("flag", "what"), [("0", "positive"), ("1", "negative")])
def test_a_class_without_positives_or_negatives_is_told(own, flag, what) -> None:
    rows = [f"r{n},r,{flag},{split}" for n, split in enumerate(["train", "val", "test"])]
    made = own(["record_id,path,x,split", *rows], {"x": {"columns": ["x"]}})
    assert f"x: no {what} of x anywhere, so no score is defined" in warnings_of(made)


def test_blank_patients_are_patients_of_their_own(own) -> None:
    blanks = ["", "nan", "NA", "none"] * 5
    rows = [f"{n},r,{patient}" for n, patient in enumerate([*blanks, "p", "p"])]
    made = own(["record_id,path,patient_id", *rows])
    assert made.store.manifest["patients"] == 21
    assert made.store.manifest["doubtful"] == {"patient not known": 20}
    assert made.records["fold"].nunique() > 3
    assert made.records["patient_id"].tolist()[-2:] == ["p", "p"]


def test_a_record_without_a_patient_is_not_the_patient_of_that_name(own) -> None:
    made = own(["record_id,path,patient_id", "7,r,", "8,r,7", "9,r,"])
    assert made.records["patient_id"].tolist() == ["record 7", "7", "9"]


def test_ids_of_two_types_are_one_patient(own) -> None:
    made = own(["record_id,path,patient_id", "1,r,12", "2,r,12.0", "3,r,13"])
    assert made.store.manifest["patients"] == 2
    with pytest.raises(DataError, match=r"records\.csv, column 'patient_id', has '12' and '012'"):
        own(["record_id,path,patient_id", "1,r,12", "2,r,012"])
    with pytest.raises(DataError, match="record_id twice or empty: '12'"):
        own(["record_id,path", "12,r", "12.0,r"])
    with pytest.raises(DataError, match="line 3: a record_id twice or empty: ''"):
        own(["record_id,path", "12,r", "nan,r"])


def test_patients_that_differ_by_case_are_told(own) -> None:
    made = own(["record_id,path,patient_id", "1,r,P1", "2,r,p1"])
    assert "patients that may be one: 'P1', 'p1'" in warnings_of(made)


def test_a_column_with_nearly_the_name_is_told(own) -> None:
    told = warnings_of(own(["record_id,path,patientid", "1,r,p", "2,r,p"]))
    assert "there is no column 'patient_id'; 'patientid' is not read in its place" in told
    assert "there are no patient ids, so every record counts as a patient of its own" in told


def test_dicts_of_codes_are_read_as_codes(own) -> None:
    rows = ["a,r,\"{'SR': 100.0, 'NORM': 0.0}\"", "b,r,\"{'SR': 100.0, 'AFIB': 0.0}\"", "c,r,{}"]
    made = own(["record_id,path,dx", *rows], DX)
    labels = made.labels("dx")
    assert labels.classes == ("AFIB", "NORM", "SR")
    assert labels.values.tolist() == [[0, 1, 1], [1, 0, 1]]
    assert made.codes[0] == {"dx:SR": 100.0, "dx:NORM": 0.0}
    assert "dx: a label counts whatever the likelihood beside it" in warnings_of(made)


def test_dicts_of_0_and_1_are_refused(own) -> None:
    with pytest.raises(DataError, match="dicts of 0 and 1"):
        own(["record_id,path,dx", "a,r,\"{'SR': 1, 'AFIB': 0}\""], DX)
    with pytest.raises(DataError, match="line 2: the column 'dx' has"):
        own(["record_id,path,dx", "a,r,{'SR': 1"], DX)


def test_classes_that_may_be_one_are_told_and_counted(own) -> None:
    rows = ["a,r,AFIB", "b,r,afib ", "c,r,426783006", "d,r,426783006.0", "e,r,nan"]
    made = own(["record_id,path,dx", *rows], DX)
    assert len(made.labels("dx").classes) == 4
    told = warnings_of(made)
    assert "dx has classes that may be one: '426783006', '426783006.0'" in told
    assert "dx has classes that may be one: 'AFIB', 'afib'" in told
    assert "dx: cells such as 'nan' or 'NA' are read as blank" in told


@pytest.mark.parametrize("fold", ["0", "11", "1.5", "-1", "inf", "nan", "one"])
def test_folds_that_no_split_has_are_refused(own, fold) -> None:
    with pytest.raises(DataError, match=r"records\.csv, line 3: the fold"):
        own(["record_id,path,fold", "a,r,1", f"b,r,{fold}"])


def test_folds_from_0_are_read_where_the_entry_names_them(own) -> None:
    splits = {"by": "patient", "train": [0, 1], "val": [2], "test": [3]}
    made = own(["record_id,path,fold", "a,r,0", "b,r,2.0", "c,r,3", "d,r,7"], splits=splits)
    assert made.records["split"].tolist() == ["train", "val", "test", ""]


def test_a_split_that_the_entry_leaves_empty_is_refused(own) -> None:
    splits = {"by": "patient", "val": []}
    with pytest.raises(
        DataError, match="line 2: the split 'val', which the YAML file leaves empty"
    ):
        own(["record_id,path,split", "a,r,val"], splits=splits)


def test_ages_and_sexes_that_are_not_known_are_counted(own) -> None:
    ages = ["65,5", "045Y", ">89", "-1", "9999", "", "64.0"]
    rows = [f"{n};r;{age};{'?' if False else 'U'}" for n, age in enumerate(ages)]
    made = own(["record_id;path;age;sex", *rows])
    found = made.records["age"].tolist()
    assert found[:2] == [65.5, 45.0]
    assert np.isnan(found[2:6]).all()
    assert found[6] == 64.0
    assert made.store.manifest["doubtful"] == {"age not known": 3, "sex not known": 7}
    doubts = made.store.read_doubts("metadata")
    assert doubts[doubts["record_id"] == "4"]["reason"].tolist() == [
        "age not known: 9999", "sex not known: u",
    ]  # fmt: skip


def test_small_sets_say_what_their_hash_split_lacks(own) -> None:
    made = own(["record_id,path,dx", "a,r,SR", "b,r,AFIB"], DX)
    told = [line for line in warnings_of(made) if "`split` or `fold`" in line]
    assert any(line.startswith("no record in ") for line in told)


def test_a_table_in_latin_1_is_read_where_the_entry_says_so(own) -> None:
    table = "record_id,path,dx\na,r,Infarto agudo de miocárdio\n".encode("latin-1")
    with pytest.raises(DataError, match=r"records\.csv, line 2: the text is not utf-8"):
        own(table, DX)
    made = own(table, DX, options={"encoding": "latin-1"})
    assert made.labels("dx").classes == ("Infarto agudo de miocárdio",)
    utf16 = own(table.decode("latin-1").encode("utf-16"), DX)
    assert utf16.labels("dx").classes == made.labels("dx").classes


def test_every_record_wrong_says_the_first_reason(own) -> None:
    with pytest.raises(DataError, match=r"2 cannot read.*The first, a: cannot read: no\.hea"):
        own(["record_id,path", "a,no", "b,no"])


def test_the_table_at_the_end_counts_everything(own, tmp_path) -> None:
    rng = np.random.default_rng(1)
    folder: Path = tmp_path / "own"
    write_record(folder, "long", ecg_like(rng, 1500, 100))
    write_record(folder, "fast", ecg_like(rng, 5000, 500), fs=500)
    write_record(folder, "short", ecg_like(rng, 300, 100))
    rows = [
        "a,r,SR,train",
        "b,long,SR,train",
        "c,fast,AFIB,val",
        "d,short,SR,test",
        "e,r,AFIB,test",
    ]
    made = own(["record_id,path,dx,split", *rows], DX)
    shown = dict(contents(made))
    assert shown["read"] == "5 records"
    assert shown["records"] == "4 of 4 patients"
    assert shown["quarantined"].startswith("1 too short (see ")
    assert shown["doubtful"] == "none"
    assert shown["cut"] == "1 records at 10 s"
    assert shown["resampled"] == "1 records from 500 Hz"
    assert shown["splits"] == "train 2, val 1, test 1"
    assert classes(made) == [
        "dx: 2 classes; train / val / test: records 2 / 1 / 1; classes present 1 / 1 / 1",
        "  AFIB  0 / 1 / 1",
        "  SR    2 / 0 / 0",
    ]
    told = warnings_of(made)
    assert any(line.startswith("dx: no positive of AFIB in train: give a column") for line in told)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"leads": ["I", "I"]}, "named once each"),
        ({"leads": []}, "named once each"),
        ({"seconds": 1e9}, "no length of a record"),
        ({"processing": "magic"}, "no processing 'magic'"),
        ({"derive_limb_leads": True, "units": "z-score per lead"}, "limb leads can be derived"),
        ({"rate": float("inf")}, "rate"),
    ],
)
def test_entries_that_cannot_be_are_refused(add_spec, keys, message) -> None:
    with pytest.raises(Exception, match=message):
        add_spec(own_entry(**keys).replace("Infinity", ".inf"))


def test_options_that_cannot_be_are_refused(own) -> None:
    with pytest.raises(ConfigError, match="a column stands there twice"):
        own(["record_id,path,x", "a,r,1"], {"x": {"columns": ["x", "x"]}})
