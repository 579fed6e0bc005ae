"""A data set that is ready: its store, records, labels and splits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError, did_you_mean
from ecgbench.base.paths import stage_dir
from ecgbench.data import merl
from ecgbench.data.generated import generated_source
from ecgbench.data.labels import SPLITS, LabelTable
from ecgbench.data.prepare import find_store, prepare_store
from ecgbench.data.spec import DatasetSpec, datasets
from ecgbench.data.store import Store, open_store, verify_store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Dataset:
    """A prepared data set.

    Attributes:
        spec: Its catalogue entry.
        store: Its signals.
    """

    spec: DatasetSpec
    store: Store

    @cached_property
    def records(self) -> pd.DataFrame:
        """One row per record, in the order of the signals, indexed by record_id (str).

        Columns: patient_id (str), fold (int), split (``train``, ``val``, ``test`` or '' where no
        split uses the fold), age (years, NaN where not known; as the source has it, so 300 stands
        for 90 and more in PTB-XL), sex (``male``, ``female`` or ''), site, device, report (str, ''
        where there is none), codes (JSON object of code -> likelihood).
        """
        return self.store.read_records()

    @property
    def fingerprint(self) -> str:
        """Hash that changes when records, splits, labels or signals change."""
        return self.store.fingerprint

    @property
    def simulated(self) -> bool:
        """Whether the signals were made by a model."""
        return self.spec.simulated

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Positions of a split's records, ascending.

        Raises:
            DataError: There is no such split.
        """
        if split not in SPLITS:
            raise DataError(f"No split {split!r}.", did_you_mean(split, SPLITS))
        return np.flatnonzero(self.records["split"].to_numpy() == split)

    @cached_property
    def codes(self) -> list[dict[str, float]]:
        """The codes of each record, with their likelihoods."""
        return [json.loads(text) for text in self.records["codes"]]

    def labels(self, label_set: str, split: str | None = None) -> LabelTable:
        """The labels of one set, records without any left out.

        Args:
            label_set: Name, e.g. ``sub``; ``merl-files/NAME`` for MERL's own split files, whose records,
                splits, labels and order are taken as they are.
            split: ``train``, ``val`` or ``test``; None: every record, of whatever fold.

        Raises:
            DataError: No such label set or split.
        """
        if label_set.startswith(merl.LABEL_SETS):
            return merl.merl_labels(list(map(str, self.records.index)), label_set, split)
        sets = self.store.label_sets
        if label_set not in sets:
            raise DataError(
                f"{self.spec.name} has no label set {label_set!r}.", did_you_mean(label_set, sets)
            )
        chosen = sets[label_set]
        rows = np.arange(len(self.store)) if split is None else self.rows(split)
        values = chosen.encode([self.codes[row] for row in rows])
        labelled = values.any(axis=1)
        rows = rows[labelled].astype(np.int64)
        ids = self.records.index.to_numpy(dtype=str)[rows]
        return LabelTable(label_set, chosen.classes, ids, rows, values[labelled])


def open_dataset(name: str, source: Path | None = None) -> Dataset:
    """Open the newest prepared store of a data set.

    The embedded simulated sets are generated and prepared when they are first asked for.

    Args:
        name: A name of the catalogue.
        source: A folder with the data as downloaded: prepares it first where that was not done.

    Raises:
        UnknownNameError: No such data set.
        DataError: It has not been prepared; names the two commands that help.
    """
    spec = datasets.get(name)
    if source is not None:
        return prepare(name, source)
    if spec.generator is not None:
        return _open_generated(spec)
    store = find_store(spec)
    if store is None:
        raise DataError(
            f"There is no prepared data of {name} {spec.version}.",
            f"Download it with `ecgbench data fetch {name}`, or prepare a folder that you have with "
            f"`ecgbench data prepare {name} --source DIR`.",
        )
    return Dataset(spec, store)


def prepare(
    name: str,
    source: Path,
    *,
    workers: int | None = None,
    rate: int | None = None,
    stream: str | None = None,
) -> Dataset:
    """Make the store of a data set from its folder, or open the one made from it before.

    Args:
        name: A name of the catalogue.
        source: The data as downloaded.
        workers: Processes; None: one per core.
        rate: Sampling rate to take where the folder holds several; None: the highest.
        stream: Base address of a server to download signals from chunk by chunk, keeping none of
            them; ``source`` then needs what ``fetch(name, only=["metadata"])`` brings.

    Raises:
        UnknownNameError: No such data set.
        DataError: The folder is not what the catalogue says.
    """
    spec = datasets.get(name)
    return Dataset(spec, prepare_store(spec, source, workers=workers, rate=rate, stream=stream))


def verify(name: str) -> Store:
    """Hash every file of the newest store of a data set again.

    Raises:
        DataError: It has not been prepared, or a file is not what it was.
    """
    store = open_dataset(name).store
    verify_store(store)
    return store


def _open_generated(spec: DatasetSpec) -> Dataset:
    folder = generated_source(spec)
    note = folder / "store.txt"  # saves reading the folder's metadata each time
    if note.is_file():
        path = stage_dir("stores") / note.read_text(encoding="utf-8").strip()
        if (path / "manifest.json").is_file():
            return Dataset(spec, open_store(path))
    store = prepare_store(spec, folder)
    note.write_text(store.path.name, encoding="utf-8")
    return Dataset(spec, store)
