"""A prepared data set: its store, records, labels and splits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError, did_you_mean
from ecgbench.data import merl
from ecgbench.data.labels import SPLITS, LabelTable
from ecgbench.data.spec import DatasetSpec
from ecgbench.data.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Dataset:
    """A prepared data set.

    Attributes:
        spec: Catalogue entry.
        store: Store of the signals.
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
    def withheld(self) -> bool:
        """Whether the test labels were removed; see :func:`ecgbench.data.withheld.without_test_labels`."""
        return self.store.withheld

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
        """The labels of one label set, without unlabelled records.

        Args:
            label_set: Name, e.g. ``sub``; ``merl-files/NAME`` for MERL's own split files, whose records,
                splits, labels and order are taken as they are.
            split: ``train``, ``val`` or ``test``; None: every record, of whatever fold.

        Raises:
            DataError: No such label set or split, or the labels of the test split are withheld.
        """
        if self.withheld and split not in ("train", "val"):
            raise DataError(
                f"The test labels of {self.spec.name} are withheld here.",
                "Ask for the labels of the split 'train' or 'val'.",
            )
        if label_set.startswith(merl.LABEL_SETS):
            return merl.merl_labels(list(map(str, self.records.index)), label_set, split)
        sets = self.store.label_sets
        if label_set not in sets:
            raise DataError(
                f"{self.spec.name} has no label set {label_set!r}.", did_you_mean(label_set, sets)
            )
        chosen = sets[label_set]
        rows = np.arange(len(self.store)) if split is None else self.rows(split)
        codes = [self.codes[row] for row in rows]
        values, labelled = chosen.encode(codes), chosen.labelled(codes)
        rows = rows[labelled].astype(np.int64)
        ids = self.records.index.to_numpy(dtype=str)[rows]
        return LabelTable(label_set, chosen.classes, ids, rows, values[labelled])
