from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecgbench.data.labels import LabelSet, scp_label_sets

# protocol.md, "Data sets and label sets": records of train, val and test, and classes
PTBXL = {
    "super": ((17084, 2146, 2158), 5, "super_class"),
    "sub": ((17084, 2146, 2158), 23, "sub_class"),
    "form": ((7197, 901, 880), 19, "form"),
    "rhythm": ((16832, 2100, 2098), 12, "rhythm"),
}
SPLITS = ("train", "val", "test")
# The original rows are of an older version than MERL's 1.0.3: fifteen records of theirs are in no file
# of MERL's (1.0.3 removed duplicates), and these six carry other codes there.
OTHER_CODES = {3796, 3797, 3799, 7783, 9822, 13803}


@pytest.fixture(scope="module")
def statements(shared_data: Path) -> pd.DataFrame:
    return pd.read_csv(shared_data / "metadata/scp_statements.csv", index_col=0)


@pytest.fixture(scope="module")
def merl(shared_data: Path) -> dict[str, dict[str, pd.DataFrame]]:
    def read(folder: str, split: str) -> pd.DataFrame:
        file = shared_data / f"labels/merl/ptbxl/{folder}/ptbxl_{folder}_{split}.csv"
        return pd.read_csv(file, index_col="ecg_id", converters={folder: ast.literal_eval})

    return {
        name: {split: read(folder, split) for split in SPLITS}
        for name, (_, _, folder) in PTBXL.items()
    }


@pytest.fixture(scope="module")
def database(shared_data: Path, statements, merl) -> pd.DataFrame:
    """PTB-XL's codes and folds: 10,993 original rows, the others from MERL's lists.

    MERL's files give form and rhythm statements as they are, and subclasses of the diagnostic ones;
    any diagnostic statement of the subclass that is not also a form stands for those.
    """
    original = pd.read_csv(shared_data / "labels/ptbxl_database_rows_10993.csv", index_col="ecg_id")
    codes = {ecg: set(ast.literal_eval(text)) for ecg, text in original["scp_codes"].items()}
    fold = original["strat_fold"].to_dict()
    only = statements[(statements["diagnostic"] == 1) & (statements["form"] != 1)]
    either = statements[statements["diagnostic"] == 1]
    stands_for = {
        **{row.diagnostic_subclass: code for code, row in either.iterrows()},
        **{row.diagnostic_subclass: code for code, row in only.iterrows()},
    }
    names = [*statements.index, *stands_for]
    with_line = {str(item).strip("_"): item for item in names}  # MERL writes ISC for ISC_
    rebuilt: dict[int, set[str]] = {}
    for name in ("sub", "form", "rhythm"):
        for split in SPLITS:
            table = merl[name][split]
            column = table[PTBXL[name][2]]
            for ecg, listed in column.items():
                found = [with_line[item] for item in listed]
                found = [stands_for[item] for item in found] if name == "sub" else found
                rebuilt.setdefault(ecg, set()).update(found)
                fold.setdefault(ecg, table.at[ecg, "strat_fold"])
    kept = {ecg: codes[ecg] for ecg in codes if ecg in rebuilt and ecg not in OTHER_CODES}
    merged = {**rebuilt, **kept}
    assert len(merged) == 21_799  # every record of PTB-XL 1.0.3
    assert len(kept) == 10_993 - 15 - len(OTHER_CODES)
    return pd.DataFrame(
        {
            "codes": [merged[ecg] for ecg in sorted(merged)],
            "fold": [fold[e] for e in sorted(merged)],
        },
        index=sorted(merged),
    )


@pytest.mark.parametrize("name", list(PTBXL))
def test_ptbxl_counts_are_those_of_the_protocol(name, database, statements, merl) -> None:
    counts, classes, _ = PTBXL[name]
    label_set = scp_label_sets(statements)[name]
    assert len(label_set.classes) == classes
    values = label_set.encode(list(database["codes"]))
    labelled = values.any(axis=1)
    split = database["fold"].map(lambda fold: {9: "val", 10: "test"}.get(fold, "train"))
    assert tuple(int((labelled & (split == s)).sum()) for s in SPLITS) == counts
    for s in SPLITS:
        assert set(database.index[labelled & (split == s)]) == set(merl[name][s].index)


@pytest.mark.parametrize("name", list(PTBXL))
def test_ptbxl_labels_are_merls_record_by_record(name, database, statements, merl) -> None:
    label_set = scp_label_sets(statements)[name]
    for split in SPLITS:
        table = merl[name][split]
        values = label_set.encode([database.at[ecg, "codes"] for ecg in table.index])
        columns = [label.strip("_") for label in label_set.classes]
        np.testing.assert_array_equal(values, table[columns].to_numpy())


def test_statement_sets_have_their_sizes(statements) -> None:
    sets = scp_label_sets(statements)
    sizes = {name: len(label_set.classes) for name, label_set in sets.items()}
    assert sizes == {"super": 5, "sub": 23, "form": 19, "rhythm": 12, "diagnostic": 44, "all": 71}
    assert sets["super"].classes == ("CD", "HYP", "MI", "NORM", "STTC")
    assert all(list(s.classes) == sorted(s.classes) for s in sets.values())


def test_class_order_does_not_depend_on_the_file(statements) -> None:
    assert scp_label_sets(statements[::-1]) == scp_label_sets(statements)


def test_a_statement_counts_whatever_its_likelihood_and_others_do_not() -> None:
    label_set = LabelSet.of("x", {"A": ["a"], "B": ["a", "b"], "C": ["c"]})
    values = label_set.encode([{"A": 0.0}, {"B": 100.0, "?": 1.0}, {}, ["C", "A"]])
    assert label_set.classes == ("a", "b", "c")
    assert values.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1]]
    assert values.dtype == np.uint8


def test_a_label_set_survives_json() -> None:
    label_set = LabelSet.of("x", {"A": ["a"], "B": ["a", "b"]})
    assert LabelSet.from_json(label_set.to_json()) == label_set
