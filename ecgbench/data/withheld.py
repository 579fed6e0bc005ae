"""A data set without its test labels: the only form in which methods and protocols get one.

The view is a store of its own, in memory and on disk: the signals are hard links to the files of the
full store, and in ``records.parquet`` the codes and reports of every withheld record are empty. It keeps
the fingerprint of the full store, so both share adapted signals, checkpoints and features.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ecgbench.base.code import code_address
from ecgbench.base.hashing import content_hash, file_sha256
from ecgbench.base.paths import atomic_dir, atomic_write, stage_dir
from ecgbench.data.dataset import Dataset
from ecgbench.data.store import INDEX, open_store

if TYPE_CHECKING:
    import pandas as pd

EMPTY = {"codes": "{}", "report": ""}


def without_test_labels(dataset: Dataset, tested: npt.NDArray[np.integer] | None = None) -> Dataset:
    """The data set without the codes and reports of its test records.

    Args:
        dataset: With or without them.
        tested: Rows of a question's test records. They are withheld too where they lie in the training
            or validation split, as those of a label set with splits of its own may.
    """
    records = dataset.records
    hidden = ~records["split"].isin(["train", "val"]).to_numpy(np.bool_)
    if tested is not None:
        hidden[tested] = True
    if dataset.withheld and _is_empty(records[hidden]):
        return dataset
    made_from = [
        dataset.fingerprint,
        np.flatnonzero(hidden).tolist(),
        EMPTY,
        code_address(__name__),
    ]
    address = content_hash(made_from)
    folder = stage_dir("withheld") / f"{dataset.spec.name}-{dataset.spec.version}-{address[:16]}"
    if not folder.exists():
        _write(dataset, hidden, folder)
    return Dataset(dataset.spec, open_store(folder))


def copy_view(view: Path, target: Path) -> None:
    """Put the files of a view into another folder, as hard links where the file system allows."""
    with atomic_dir(target) as scratch:
        for name in ("manifest.json", *open_store(view).manifest["files"]):
            _link(view / name, scratch / name)


def _is_empty(records: pd.DataFrame) -> bool:
    return all(bool((records[column] == empty).all()) for column, empty in EMPTY.items())


def _write(dataset: Dataset, hidden: npt.NDArray[np.bool_], folder: Path) -> None:
    records = dataset.records.copy()
    for column, empty in EMPTY.items():
        records.loc[hidden, column] = empty
    manifest = json.loads(json.dumps(dataset.store.manifest))
    with atomic_dir(folder) as scratch:
        for name in manifest["files"]:
            if name != INDEX:
                _link(dataset.store.path / name, scratch / name)
        index = scratch / INDEX
        records.reset_index().to_parquet(index, index=False)
        manifest["files"][INDEX] = {"sha256": file_sha256(index), "bytes": index.stat().st_size}
        manifest["withheld"] = int(hidden.sum())
        atomic_write(scratch / "manifest.json", json.dumps(manifest, indent=1) + "\n")


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
