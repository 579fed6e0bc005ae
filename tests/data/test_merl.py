from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecgbench.base.errors import DataError
from ecgbench.data.merl import merl_fraction_rows, read_merl_split
from ecgbench.data.opening import prepare

from .samples import linked, sample_of

CLASSES = {"super": 5, "sub": 23, "form": 19, "rhythm": 12}


@pytest.fixture(scope="module")
def mini(shared_data, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        yield prepare("ptbxl-mini", shared_data / "ptbxl-mini", workers=1)


def test_merls_splits_of_ptbxl_are_ours(mini, shared_data) -> None:
    for name, classes in CLASSES.items():
        theirs = read_merl_split(
            list(map(str, mini.records.index)), name, shared_data / "labels/merl"
        )
        for split, table in theirs.items():
            ours = mini.labels(name, split)
            assert len(table.classes) == classes
            order = np.argsort(table.rows)
            np.testing.assert_array_equal(table.rows[order], ours.rows)
            columns = [table.classes.index(label.strip("_")) for label in ours.classes]
            np.testing.assert_array_equal(table.values[order][:, columns], ours.values)


def test_merls_csn_labels_keep_their_mistakes(
    ecgbench_home, shared_data, tmp_path, add_spec
) -> None:
    add_spec(sample_of("csn"))
    csn = prepare("csn-sample", linked(shared_data / "csn", tmp_path / "csn"), workers=1)
    train = read_merl_split(list(map(str, csn.records.index)), "csn", shared_data / "labels/merl")[
        "train"
    ]
    assert len(train.classes) == 38
    row = train.record_ids.tolist().index("JS00001")  # fibrillation alone
    assert train.values[row, train.classes.index("AF")] == 1
    exact = csn.labels("merl")
    assert exact.values[exact.record_ids.tolist().index("JS00001"), exact.classes.index("AF")] == 0


def test_merls_fractions_lack_the_classes_that_they_are_known_to_lack(shared_data) -> None:
    """design/protocol.md: 1 % lacks every positive of 1 Sub, 4 Form, 4 Rhythm, 1 CPSC, 7 CSN classes."""
    expected = {
        "ptbxl/sub_class/ptbxl_sub_class": ("sub_class", 170, 1),
        "ptbxl/form/ptbxl_form": ("form", 71, 4),
        "ptbxl/rhythm/ptbxl_rhythm": ("rhythm", 168, 4),
        "icbeb/icbeb": ("scp_codes", 49, 1),
        "chapman/chapman": ("diagnose", 165, 7),
    }
    for prefix, (last, size, lacking) in expected.items():
        table = pd.read_csv(shared_data / f"labels/merl/{prefix}_train.csv")
        values = table.iloc[:, list(table.columns).index(last) + 1 :].to_numpy()
        rows = merl_fraction_rows(len(values), 0.01)
        assert len(rows) == size
        assert int((values[rows].sum(axis=0) == 0).sum()) == lacking, prefix
    np.testing.assert_array_equal(merl_fraction_rows(7, 1), np.arange(7))


def test_what_is_not_there_is_named(mini, shared_data, tmp_path) -> None:
    with pytest.raises(DataError, match="no split 'suub'"):
        read_merl_split(list(map(str, mini.records.index)), "suub", shared_data / "labels/merl")
    with pytest.raises(DataError, match="There is no"):
        read_merl_split(list(map(str, mini.records.index)), "sub", tmp_path)
    with pytest.raises(DataError, match="None of the records is of MERL's split 'csn'"):
        read_merl_split(list(map(str, mini.records.index)), "csn", shared_data / "labels/merl")
