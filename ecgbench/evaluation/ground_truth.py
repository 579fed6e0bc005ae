"""The test split of a question: its records, their labels, patients and reports.

All code reads test records through this module, so that all code means the same records. Scoring and a
reviewer get the labels (:class:`Truth`); the plan and the bench of a protocol get the records without
labels (:class:`Unlabelled`). Nothing in this module can be called while a cell is predicted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import DataError
from ecgbench.base.hashing import content_hash
from ecgbench.base.withholding import refuse_if_withheld
from ecgbench.metrics.words import words
from ecgbench.results.schema import Draft, Result

if TYPE_CHECKING:
    import pandas as pd

    from ecgbench.data.dataset import Dataset

refuse_if_withheld(__name__)  # an import from a protocol fails while the protocol runs


@dataclass(frozen=True)
class SplitSpec:
    """The test records of a question by their definition, which a result contains.

    Attributes:
        dataset: Data set of the test records.
        label_set: Label set; records without a label in it are left out.
        mapping: The classes of another data set, each with the classes of ``label_set`` that make it;
            empty for the classes of the label set.
        only: Groups of records, by column of the data set's records: a value, or ``[low, high)``.
        reported: Whether only records with a report count: for texts and ranks.
    """

    dataset: str
    label_set: str
    mapping: tuple[tuple[str, tuple[str, ...]], ...] = ()
    only: tuple[tuple[str, Any], ...] = ()
    reported: bool = False

    @classmethod
    def of(
        cls,
        dataset: str,
        label_set: str,
        mapping: Mapping[str, Sequence[str]],
        only: Mapping[str, Any],
        predicts: str,
    ) -> SplitSpec:
        """The test records by the fields of a task and a protocol, or of a result."""
        return cls(
            dataset,
            label_set,
            tuple((name, tuple(made_of)) for name, made_of in sorted(mapping.items())),
            tuple(
                (column, tuple(value) if isinstance(value, list | tuple) else value)
                for column, value in sorted(only.items())
            ),
            predicts != "scores",
        )


@dataclass(frozen=True)
class Unlabelled:
    """The test records of a question without their labels, known before predicting.

    Attributes:
        classes: Classes of the question.
        record_ids: ``[n]``.
        rows: ``[n]`` positions in the prepared data set.
        patients: ``[n]``.
        fingerprint: Hash of the records and their labels, as in results.
        texts: ``[n]`` reports where a protocol has to rank them; empty otherwise.
    """

    classes: tuple[str, ...]
    record_ids: NDArray[np.str_]
    rows: NDArray[np.intp]
    patients: NDArray[np.str_]
    fingerprint: str
    texts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.record_ids)


@dataclass(frozen=True)
class Truth:
    """The labelled test records of a question; possibly none, e.g. for a group without members.

    Attributes:
        classes: Classes of the question.
        record_ids: ``[n]``.
        values: ``[n, k]`` zeros and ones.
        patients: ``[n]``.
        texts: ``[n]`` reports, empty where a record has none.
        rows: ``[n]`` positions in the prepared data set; empty where only metadata was read.
        data_fingerprint: Hash of the prepared data set; None where only its metadata was read.
    """

    classes: tuple[str, ...]
    record_ids: NDArray[np.str_]
    values: NDArray[np.uint8]
    patients: NDArray[np.str_]
    texts: tuple[str, ...] = ()
    rows: NDArray[np.intp] | None = None
    data_fingerprint: str | None = None

    def __len__(self) -> int:
        return len(self.record_ids)

    @property
    def fingerprint(self) -> str:
        """Hash of the records' ids and labels: equal where figures are of the same test split."""
        return content_hash([list(self.classes), self.record_ids.tolist(), self.values.tolist()])

    def no_class_is_scorable(self) -> str | None:
        """Why scores of these records have no figure; None where a class has positives and negatives."""
        positives = self.values.sum(axis=0, dtype=np.int64)
        if len(self) and ((positives > 0) & (positives < len(self))).any():
            return None
        counts = [
            f"{name} {count} of {len(self)}"
            for name, count in zip(self.classes, positives.tolist(), strict=True)
        ]
        more = f" and {len(counts) - 5} more classes" if len(counts) > 5 else ""
        return (
            "no class has both positives and negatives among the test records "
            f"(positives: {', '.join(counts[:5])}{more})"
        )

    def unlabelled(self, *, with_texts: bool) -> Unlabelled:
        """The same records without their labels.

        Args:
            with_texts: Whether their reports are handed over, for a protocol that ranks them.
        """
        assert self.rows is not None  # set unless only metadata was read, and predictions need more
        texts = self.texts if with_texts else ()
        return Unlabelled(
            self.classes, self.record_ids, self.rows, self.patients, self.fingerprint, texts
        )


TruthReader = Callable[[SplitSpec], Truth]


def split_of_result(result: Result | Draft) -> SplitSpec:
    """The test records of a result or of its draft."""
    task, protocol = result.task, result.protocol
    return SplitSpec.of(
        task.dataset, task.label_set, task.mapping, protocol.only, protocol.predicts
    )


def split_of(dataset: Dataset, wanted: SplitSpec) -> Truth:
    """The test split in a prepared data set.

    Raises:
        DataError: The data set has no such label set, class or column.
        EcgbenchError: A cell is predicted now.
    """
    refuse_if_withheld(f"The test split of {wanted.dataset}")
    table = dataset.labels(wanted.label_set, "test")
    found = narrowed(
        wanted, table.classes, table.values, dataset.records.iloc[table.rows], table.rows
    )
    return replace(found, data_fingerprint=dataset.fingerprint)


def narrowed(
    wanted: SplitSpec,
    classes: Sequence[str],
    values: NDArray[np.uint8],
    records: pd.DataFrame,
    rows: NDArray[np.int64] | None,
) -> Truth:
    """Map the classes and keep the records that are wanted."""
    kept = np.ones(len(records), np.bool_)
    for column, value in wanted.only:
        kept &= _in_group(records, column, value)
    if wanted.reported:
        kept &= np.array([bool(words(text)) for text in records["report"]], np.bool_)
    if wanted.mapping:
        classes, values = _mapped(wanted, classes, values)
    return Truth(
        tuple(classes),
        records.index.to_numpy(dtype=str)[kept],
        values[kept],
        records["patient_id"].to_numpy(dtype=str)[kept],
        tuple(records["report"].to_numpy(dtype=object)[kept]),
        None if rows is None else np.asarray(rows, np.intp)[kept],
    )


def _in_group(records: pd.DataFrame, column: str, value: Any) -> NDArray[np.bool_]:
    if column not in records.columns:
        raise DataError(f"Records have no column {column!r} to choose a group by.")
    found = records[column].to_numpy()
    if isinstance(value, tuple):
        low, high = value
        return np.asarray((found >= low) & (found < high), np.bool_)  # NaN is in no group
    return np.asarray(found == value, np.bool_)


def _mapped(
    wanted: SplitSpec, classes: Sequence[str], values: NDArray[np.uint8]
) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """A class is there where any of those that make it is."""
    place = {name: column for column, name in enumerate(classes)}
    unknown = sorted({name for _, made_of in wanted.mapping for name in made_of} - place.keys())
    if unknown:
        raise DataError(f"{wanted.dataset} {wanted.label_set} has no class {unknown[0]!r}.")
    columns = [
        values[:, [place[name] for name in made_of]].any(axis=1) for _, made_of in wanted.mapping
    ]
    return tuple(name for name, _ in wanted.mapping), np.column_stack(columns).astype(np.uint8)
