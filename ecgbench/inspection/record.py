"""One record to look at: its ECG, labels, report, and what the methods of a run said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecgbench.base.errors import DataError, ResultError, did_you_mean
from ecgbench.data.dataset import Dataset
from ecgbench.data.opening import open_dataset
from ecgbench.inspection.paper import PaperECG
from ecgbench.results.predictions import ScorePredictions, read_predictions
from ecgbench.results.schema import Result
from ecgbench.results.store import read_results

HIGHEST = 3  # classes that are shown beside those that the record has


@dataclass(frozen=True)
class OneRecord:
    """A record of a prepared data set.

    Attributes:
        dataset: Where it is.
        record_id: Its id.
        row: Its position.
    """

    dataset: Dataset
    record_id: str
    row: int

    def paper(self, more: Sequence[str] = ()) -> PaperECG:
        """The record as it is drawn, with its patient, labels and report.

        Args:
            more: Further lines below the ECG.
        """
        store = self.dataset.store
        length = int(store.lengths[self.row])
        kind = "simulated" if self.dataset.simulated else "recorded"
        return PaperECG(
            signals=store.read([self.row])[0, :, :length],
            leads=store.leads,
            rate=store.rate,
            title=f"{self.dataset.spec.name}/{self.record_id} ({kind})",
            lines=(*self._facts(), *more),
            millivolts=in_millivolts(self.dataset),
        )

    def classes(self, label_set: str) -> set[str]:
        """The classes of a label set that the record has."""
        chosen = self.dataset.store.label_sets[label_set]
        marks = chosen.encode([self.dataset.codes[self.row]])[0]
        return {name for name, mark in zip(chosen.classes, marks, strict=True) if mark}

    def _facts(self) -> Iterator[str]:
        found = self.dataset.records.iloc[self.row]
        age = f"{found['age']:.0f} years" if found["age"] == found["age"] else "age not known"
        yield f"Patient {found['patient_id']}, {age}, {found['sex'] or 'sex not known'}"
        codes = ", ".join(self.dataset.codes[self.row]) or "none"
        yield f"Labels: {codes}"
        yield f"Report: {found['report'] or 'none'}"


def in_millivolts(dataset: Dataset) -> bool:
    """Whether the amplitudes of a data set can be millivolts.

    Some sets hold z-scores, whose leads have a spread of 1; an ECG in mV has a tenth to a third of that.
    """
    some = dataset.store.read(np.arange(min(50, len(dataset.store))))
    return bool(np.median(some.std(axis=2)) < 0.7) if some.size else True


def find_record(name: str) -> OneRecord:
    """Find a record by ``DATASET/RECORD``.

    Raises:
        DataError: The data set is not on this machine, or has no such record; names the nearest.
    """
    data, slash, record = name.partition("/")
    if not slash or not record:
        raise DataError(
            f"{name!r} names no record.",
            "Write DATASET/RECORD, e.g. sim/1 (see `ecgbench data info`).",
        )
    dataset = open_dataset(data)
    ids = dataset.records.index.to_numpy(dtype=str)
    place = np.flatnonzero(ids == record)
    if not len(place):
        raise DataError(f"{data} has no record {record!r}.", did_you_mean(record, ids.tolist()))
    return OneRecord(dataset, record, int(place[0]))


def scores_of(one: OneRecord, folder: Path, methods: Sequence[str], cell: str) -> list[str]:
    """What methods said of a record in a run, in lines of text.

    Args:
        one: The record.
        folder: Results of the run.
        methods: Names of methods; seed 0 and draw 0 of each are shown.
        cell: ``TASK/PROTOCOL@VARIANT``.

    Returns:
        For each method the classes that the record has and the highest others, each with the share of
        all test records that score lower.

    Raises:
        ResultError: No such result, or the record is not in the test split.
    """
    lines = []
    for method in methods:
        path, result = _result_of(folder, method, cell)
        assert result.predictions is not None
        predictions = read_predictions(path.parent / result.predictions.file)
        if not isinstance(predictions, ScorePredictions):
            raise ResultError(f"{cell} predicts no scores.", "Name a cell of a linear probe.")
        place = np.flatnonzero(np.asarray(predictions.record_ids, str) == one.record_id)
        if not len(place):
            raise ResultError(
                f"{one.record_id} is no test record of {cell}.",
                f"Test records are, e.g., {', '.join(map(str, predictions.record_ids[:3]))}.",
            )
        lines.append(_line(one, result, predictions, int(place[0])))
    return lines


def _line(one: OneRecord, result: Result, predictions: ScorePredictions, place: int) -> str:
    scores = predictions.scores
    above = (scores < scores[place]).mean(axis=0)
    has = one.classes(result.task.label_set) & set(predictions.classes)
    order = np.argsort(-above, kind="stable")
    others = [predictions.classes[k] for k in order if predictions.classes[k] not in has][:HIGHEST]
    at = {name: above[k] for k, name in enumerate(predictions.classes)}
    said = [f"{name}* {at[name]:.0%}" for name in sorted(has)]
    said += [f"{name} {at[name]:.0%}" for name in others]
    return (
        f"{result.method.title} ({result.cell}), share of test records that score lower, "
        f"* for the record's own classes: {', '.join(said)}"
    )


def _result_of(folder: Path, method: str, cell: str) -> tuple[Path, Result]:
    known = set()
    for path, result in read_results(folder):
        if result.status != "ok" or result.method.name != method:
            continue
        known.add(result.cell)
        if result.cell == cell and result.seed == 0 and result.draw == 0:
            return path, result
    raise ResultError(
        f"{folder} has no figures of {method} on {cell!r}.", did_you_mean(cell, known)
    )
