"""Test labels for a reviewer: from a prepared data set, or from a data set's metadata files alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgbench.errors import DataError, EcgbenchError
from ecgbench.metrics.text import words
from ecgbench.results.schema import TaskPart
from ecgbench.score_reports import Reports
from ecgbench.scoring import test_fingerprint


@dataclass(frozen=True)
class Truth:
    """The test records of a task.

    Attributes:
        classes: Of the label set.
        record_ids: ``[n]``.
        values: ``[n, k]`` zeros and ones.
        patients: ``[n]``.
        texts: ``[n]`` reports, empty where a record has none.
        data_fingerprint: Of the prepared data set; None where only its metadata was read.
    """

    classes: tuple[str, ...]
    record_ids: NDArray[np.str_]
    values: NDArray[np.uint8]
    patients: NDArray[np.str_]
    texts: tuple[str, ...] = ()
    data_fingerprint: str | None = None

    @property
    def fingerprint(self) -> str:
        """As results hold it."""
        return test_fingerprint(self)

    def of_reports(self) -> tuple[Reports, NDArray[np.str_]]:
        """The records that have a report, and their patients."""
        kept = [row for row, text in enumerate(self.texts) if words(text)]
        return Reports(
            self.record_ids[kept], tuple(self.texts[row] for row in kept)
        ), self.patients[kept]


Source = Callable[[TaskPart], Truth]


def prepared(task: TaskPart) -> Truth:
    """From the prepared data set on this machine.

    Raises:
        DataError: It is not here; says which commands bring it.
    """
    from ecgbench.data.dataset import open_dataset

    dataset = open_dataset(task.dataset)
    table = dataset.labels(task.label_set, "test")
    test = dataset.records.iloc[table.rows]
    return Truth(
        table.classes,
        table.record_ids,
        table.values,
        test["patient_id"].to_numpy(dtype=str),
        tuple(test["report"]),
        dataset.fingerprint,
    )


def from_metadata(folder: Path) -> Source:
    """From ``ptbxl_database.csv`` and ``scp_statements.csv`` in a folder; signals are not needed.

    Simulated data sets are made on this machine, as always.
    """

    def read(task: TaskPart) -> Truth:
        import json

        from ecgbench.data.layouts.ptbxl import read_metadata
        from ecgbench.data.spec import datasets

        spec = datasets.get(task.dataset)
        if spec.generator is not None:
            return prepared(task)
        if spec.layout != "ptbxl":
            raise DataError(
                f"Labels of {task.dataset} cannot be read from metadata alone.",
                f"Prepare it: `ecgbench data prepare {task.dataset}`.",
            )
        records, label_sets = read_metadata(spec, folder)
        if task.label_set not in label_sets:
            raise DataError(f"{task.dataset} has no label set {task.label_set!r}.")
        test = records[[spec.splits.of_fold(int(fold)) == "test" for fold in records["fold"]]]
        labels = label_sets[task.label_set]
        values = labels.encode([json.loads(codes) for codes in test["codes"]])
        kept = values.any(axis=1)
        ids = test.index.to_numpy(dtype=str)[kept]
        patients = test["patient_id"].to_numpy(dtype=str)[kept]
        texts = tuple(test["report"].to_numpy(dtype=object)[kept])
        return Truth(labels.classes, ids, values[kept], patients, texts)

    return read


def read_once(source: Source) -> Callable[[TaskPart], Truth | EcgbenchError]:
    """Ask a source once for each task; a task that it does not have gives the error."""
    known: dict[tuple[str, str, str], Truth | EcgbenchError] = {}

    def read(task: TaskPart) -> Truth | EcgbenchError:
        key = (task.dataset, task.dataset_version, task.label_set)
        if key not in known:
            try:
                known[key] = source(task)
            except EcgbenchError as error:
                known[key] = error
        return known[key]

    return read
