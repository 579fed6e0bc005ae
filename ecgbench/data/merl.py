"""MERL's own split files, for track ``merl``: its records, its labels, its random fractions.

The files come from ``finetune/data_split`` of MERL's public code (MIT licence). ecgbench does not ship them.
Their labels are used unchanged, including mistakes, because published figures are based on them. docs/data.md
describes the differences from ecgbench's labels.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError, did_you_mean
from ecgbench.data.labels import SPLITS, LabelTable

# Folder and prefix of the files, the column with the record, the last column before the classes.
_FILES = {
    "super": ("ptbxl/super_class/ptbxl_super_class", "ecg_id", "super_class"),
    "sub": ("ptbxl/sub_class/ptbxl_sub_class", "ecg_id", "sub_class"),
    "form": ("ptbxl/form/ptbxl_form", "ecg_id", "form"),
    "rhythm": ("ptbxl/rhythm/ptbxl_rhythm", "ecg_id", "rhythm"),
    "cpsc2018": ("icbeb/icbeb", "filename", "scp_codes"),
    "csn": ("chapman/chapman", "ecg_path", "diagnose"),
}
_SEED = 42

LABEL_SETS = "merl-files/"
FOLDER = "ECGBENCH_MERL_SPLITS"


def merl_labels(records: Sequence[str], label_set: str, split: str | None) -> LabelTable:
    """Records and labels of a label set ``merl-files/NAME``, from the files that the user has.

    Args:
        records: Ids of the data set's records, in its order.
        label_set: With a name of :func:`read_merl_split`.
        split: ``train``, ``val`` or ``test``; None: all of them, one after the other.

    Raises:
        DataError: ``$ECGBENCH_MERL_SPLITS`` names no folder, or see :func:`read_merl_split`.
    """
    folder = os.environ.get(FOLDER)
    if not folder:
        raise DataError(
            f"The labels {label_set} are in MERL's own files, which ecgbench does not bring.",
            f"Get finetune/data_split of MERL's public code and set {FOLDER} to that folder.",
        )
    tables = read_merl_split(records, label_set.removeprefix(LABEL_SETS), Path(folder))
    chosen = list(tables.values()) if split is None else [tables[split]]
    return replace(
        chosen[0],
        label_set=label_set,
        record_ids=np.concatenate([table.record_ids for table in chosen]),
        rows=np.concatenate([table.rows for table in chosen]),
        values=np.concatenate([table.values for table in chosen]),
    )


def read_merl_split(records: Sequence[str], name: str, folder: Path) -> dict[str, LabelTable]:
    """Read one of MERL's six splits.

    Args:
        records: Ids of a data set's records, in its order; those that it lacks are left out, so the
            number of rows says how many it has.
        name: ``super``, ``sub``, ``form``, ``rhythm``, ``cpsc2018`` or ``csn``.
        folder: MERL's ``data_split`` folder.

    Returns:
        Train, val and test, in the order of the files: MERL's fractions depend on it.

    Raises:
        DataError: No such split, a file is missing, or none of its records is among them.
    """
    if name not in _FILES:
        raise DataError(f"MERL has no split {name!r}.", did_you_mean(name, _FILES))
    place = {str(record): row for row, record in enumerate(records)}
    tables = {split: _read(place, name, folder, split) for split in SPLITS}
    if not any(len(table.rows) for table in tables.values()):
        raise DataError(f"None of the records is of MERL's split {name!r}.")
    return tables


def merl_fraction_rows(records: int, fraction: float) -> npt.NDArray[np.int64]:
    """MERL's draw of a label fraction: random, not stratified, always with seed 42.

    Args:
        records: Number of training records.
        fraction: Above 0, at most 1.

    Returns:
        Row positions in the order in which they were drawn.
    """
    if fraction == 1:
        return np.arange(records, dtype=np.int64)
    from sklearn.model_selection import train_test_split

    chosen, _ = train_test_split(np.arange(records), train_size=fraction, random_state=_SEED)
    return np.asarray(chosen, dtype=np.int64)


def _read(place: dict[str, int], name: str, folder: Path, split: str) -> LabelTable:
    import pandas as pd

    prefix, key, last = _FILES[name]
    file = folder / f"{prefix}_{split}.csv"
    if not file.is_file():
        raise DataError(
            f"There is no {file}.", "Get finetune/data_split of MERL's code and name that folder."
        )
    table = pd.read_csv(file)
    classes = [str(label) for label in table.columns[list(table.columns).index(last) + 1 :]]
    ids = np.array([Path(str(record)).stem for record in table[key]], dtype=str)
    present = np.array([record in place for record in ids], dtype=bool)
    rows = np.array([place[record] for record in ids[present]], dtype=np.int64)
    values = table[classes].to_numpy(dtype=np.uint8)[present]
    return LabelTable(name, tuple(classes), ids[present], rows, values)
