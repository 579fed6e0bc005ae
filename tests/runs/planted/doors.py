"""Protocols that look for test labels, each through another door, and predict what they found.

With the labels in hand every AUROC is 1. A door that gives nothing raises, or leaves 0.5.
"""

from __future__ import annotations

import gc
import json
import os
from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecgbench.protocol import Bench, Outcome, Protocol
from ecgbench.results.predictions import ScorePredictions


class Thief(Protocol):
    """Predicts the labels that it found."""

    def run(self, bench: Bench) -> Outcome:
        found = np.asarray(self.look(bench), np.float64)
        return Outcome(ScorePredictions.of(bench.test.ids, bench.classes, found), 1, 1)

    @abstractmethod
    def look(self, bench: Bench) -> Any:
        """The labels ``[n, k]``; zeros where there are none."""


class AsksTheSource(Thief):
    def look(self, bench: Bench) -> Any:
        return bench.training_data.labels(bench.task.labels, "test").values


class AsksTheTestRecords(Thief):
    def look(self, bench: Bench) -> Any:
        table = bench.test.dataset.labels(bench.task.labels)
        return table.values[np.isin(table.rows, bench.test.rows)]


class ReadsTheCodes(Thief):
    def look(self, bench: Bench) -> Any:
        return _of_codes(bench, bench.test.dataset.records)


class ReadsTheParquet(Thief):
    def look(self, bench: Bench) -> Any:
        path = bench.test.dataset.store.path / "records.parquet"
        return _of_codes(bench, pd.read_parquet(path).set_index("record_id"))


class ReadsTheParquetOfTheSource(Thief):
    def look(self, bench: Bench) -> Any:
        path = bench.training_data.store.path / "records.parquet"
        return _of_codes(bench, pd.read_parquet(path).set_index("record_id"))


class ReadsTheReports(Thief):
    """A report names the diagnosis; whoever has it needs no codes."""

    def look(self, bench: Bench) -> Any:
        reports = bench.test.dataset.records["report"].iloc[bench.test.rows]
        first = reports.str.contains("infarct|normal", case=False).to_numpy(float)
        return np.repeat(first[:, None], len(bench.classes), axis=1)


class SearchesTheMemory(Thief):
    """Every object that the interpreter knows."""

    def look(self, bench: Bench) -> Any:
        wanted = bench.test.ids.tolist()
        for item in gc.get_objects():
            kind = type(item).__name__
            if kind == "DataFrame" and "codes" in item.columns:
                if set(wanted) <= set(map(str, item.index)):
                    found = _of_codes(bench, item)
                    if found.any():
                        return found
            elif kind in ("LabelTable", "Truth") and set(wanted) <= set(item.record_ids):
                place = {record: row for row, record in enumerate(item.record_ids)}
                return item.values[[place[record] for record in wanted]]
        return np.zeros((len(wanted), len(bench.classes)))


class OpensTheDataSet(Thief):
    def look(self, bench: Bench) -> Any:
        from ecgbench.data.opening import open_dataset

        return open_dataset(bench.task.dataset).labels(bench.task.labels, "test").values


class OpensTheStore(Thief):
    def look(self, bench: Bench) -> Any:
        from ecgbench.data.prepare import find_store

        store = find_store(bench.test.dataset.spec)
        assert store is not None
        return _of_codes(bench, store.read_records())


class AsksTheGroundTruth(Thief):
    def look(self, bench: Bench) -> Any:
        from ecgbench.evaluation.ground_truth import SplitSpec
        from ecgbench.evaluation.label_sources import prepared

        return prepared(SplitSpec(bench.task.dataset, bench.task.labels)).values


class ReadsTheMetadata(Thief):
    def look(self, bench: Bench) -> Any:
        from ecgbench.data.generated import generated_source
        from ecgbench.evaluation.ground_truth import SplitSpec
        from ecgbench.evaluation.label_sources import from_metadata

        folder = Path(generated_source(bench.test.dataset.spec))
        return from_metadata(folder)(SplitSpec(bench.task.dataset, bench.task.labels)).values


def _of_codes(bench: Bench, records: pd.DataFrame) -> Any:
    labels = bench.training_data.store.label_sets[bench.task.labels]
    return labels.encode([json.loads(text) for text in records.loc[bench.test.ids, "codes"]])


class SearchesTheHome(Thief):
    """Reads every index under the home: what no view can keep from a process of the same user."""

    def look(self, bench: Bench) -> Any:
        for path in Path(os.environ["ECGBENCH_HOME"]).rglob("*.parquet"):
            records = pd.read_parquet(path).set_index("record_id")
            found = _of_codes(bench, records)
            if found.any():
                return found
        return np.zeros((len(bench.test), len(bench.classes)))


class Crashes(Thief):
    """Ends its process without a word."""

    def look(self, bench: Bench) -> Any:
        os._exit(7)
