"""A user's own data: a CSV file with one row per record, described by the data set's YAML file.

``options`` of the YAML file::

    records: records.csv            # below the data folder; this is the default
    encoding: cp1252                # of the table, where it is not UTF-8 and has no byte order mark
    columns: {record_id: id, path: file, patient_id: patient, age: age, sex: sex, report: text}
    labels:
      diagnosis: {column: dx, separator: ";"}        # several labels in one column
      rhythm: {columns: [AFIB, SR]}                  # or one column of 0 and 1 per class

Every column but ``record_id`` and ``path`` may be missing. Without ``split`` (train, val, test) or
``fold`` (1-10, or the numbers that ``splits`` of the YAML file names), records are put into folds by the
hash of their patient, or of the record where there is no patient. ``path`` names a WFDB record without
suffix, or a ``.npy`` file of [leads, samples] with the catalogue entry's leads, rate and units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from ecgbench.base.errors import ConfigError, DataError, did_you_mean
from ecgbench.data.layouts import Source, check_version
from ecgbench.data.layouts.table_content import Table, Told
from ecgbench.data.layouts.table_labels import LabelOptions, read_labels
from ecgbench.data.reading.cells import is_blank, read_age, read_fold, read_ids, read_sex, similar
from ecgbench.data.reading.tables import read_table
from ecgbench.data.spec import DatasetSpec
from ecgbench.data.splits import hash_folds

if TYPE_CHECKING:
    pass

_COLUMNS = (
    "record_id", "path", "patient_id", "age", "sex", "site", "device", "report", "split", "fold",
)  # fmt: skip


class Options(BaseModel):
    """The ``options`` of a catalogue entry with this layout."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    records: str = "records.csv"
    encoding: str | None = None
    columns: dict[str, str] = {}
    labels: dict[str, LabelOptions] = {}


def open_source(spec: DatasetSpec, folder: Path, rate: float | None) -> Source:
    """Read the table; see the Layout protocol."""
    import pandas as pd

    options = _options(spec)
    if rate not in (None, spec.rate):
        raise DataError(f"{spec.name} has no records at {rate} Hz.", f"They are at {spec.rate} Hz.")
    file = folder / options.records
    if not file.is_file():
        raise DataError(
            f"{folder} has no {options.records}.", "`options.records` in the YAML file names it."
        )
    required = [options.columns.get(name, name) for name in ("record_id", "path")]
    table = Table(read_table(file, required, options.encoding), options.columns, file)
    check_version(spec, folder, len(table.content))
    told = Told(notes=_unread(table))
    ids = _record_ids(table)
    patients, own = _patients(table, ids, told)
    label_sets, codes = read_labels(table, options.labels, ids, told)
    ages = [read_age(text) for text in table.texts("age")]
    sexes = [_sex(table, row, text) for row, text in enumerate(table.texts("sex"))]
    for record, (_, no_age), (_, no_sex) in zip(ids, ages, sexes, strict=True):
        told.doubt(record, no_age)
        told.doubt(record, no_sex)
    return Source(
        folder=folder,
        records=pd.DataFrame(
            {
                "patient_id": [given or alone for given, alone in zip(patients, own, strict=True)],
                "fold": _folds(spec, table, patients, ids),
                "age": [age for age, _ in ages],
                "sex": [sex for sex, _ in sexes],
                "site": table.texts("site"),
                "device": table.texts("device"),
                "report": table.texts("report"),
                "codes": codes,
                "path": [path.removesuffix(".hea") for path in table.texts("path")],
            },
            index=pd.Index(ids, name="record_id"),
        ).astype({"age": "float64"}),
        label_sets=label_sets,
        rate=spec.rate,
        signals="table",
        processing=None,
        metadata=(file,),
        doubts={record: tuple(reasons) for record, reasons in told.doubts.items()},
        notes=tuple(told.notes),
    )


def _options(spec: DatasetSpec) -> Options:
    try:
        options = Options(**spec.options)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{spec.name}: options.{where}: {first['msg']}.") from error
    unknown = [name for name in options.columns if name not in _COLUMNS]
    if unknown:
        raise ConfigError(
            f"{spec.name}: options.columns has {unknown[0]!r}.", did_you_mean(unknown[0], _COLUMNS)
        )
    if set(spec.label_sets) != set(options.labels):
        raise ConfigError(
            f"{spec.name}: label_sets says {sorted(spec.label_sets)}, options.labels has "
            f"{sorted(options.labels)}.",
            "Name the same sets in both.",
        )
    return options


def _unread(table: Table) -> list[str]:
    """Notes on columns that are not there, although another one has nearly the name."""
    present = [str(name) for name in table.content.columns]
    notes = []
    for name in _COLUMNS:
        near = get_close_matches(name, present, n=1, cutoff=0.8)
        if not table.has(name) and near:
            notes.append(f"there is no column {name!r}; {near[0]!r} is not read in its place")
    if not table.has("patient_id"):
        notes.append("there are no patient ids, so every record counts as a patient of its own")
    return notes


def _record_ids(table: Table) -> list[str]:
    ids = read_ids(table.texts("record_id"), table.where("record_id"))
    twice = [record for record, count in Counter(ids).items() if count > 1]
    if twice or "" in ids:
        wrong = "" if "" in ids else twice[0]
        row = len(ids) - 1 - ids[::-1].index(wrong)
        raise table.error(
            row, f"a record_id twice or empty: {wrong!r}", "Give each record its own."
        )
    return ids


def _patients(table: Table, ids: list[str], told: Told) -> tuple[list[str], list[str]]:
    """The patient of each record, '' where not known; and a name of its own for each record."""
    patients = read_ids(table.texts("patient_id"), table.where("patient_id"))
    known = {patient for patient in patients if patient}
    if known:
        for record, patient in zip(ids, patients, strict=True):
            told.doubt(record, None if patient else "patient not known: taken as one of its own")
    for group in similar(sorted(known)):
        told.notes.append(f"patients that may be one: {_quoted(group)}")
    return patients, [record if record not in known else f"record {record}" for record in ids]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _sex(table: Table, row: int, text: str) -> tuple[str, str | None]:
    try:
        return read_sex(text)
    except ValueError as error:
        raise table.error(row, str(error), "Write male, female or nothing.") from error


def _folds(spec: DatasetSpec, table: Table, patients: list[str], ids: list[str]) -> list[int]:
    """Folds by the table, or by hash where it has none; a blank patient is hashed by its record."""
    if table.has("split") and not all(map(is_blank, table.texts("split"))):
        folds = [_split(spec, table, row, text) for row, text in enumerate(table.texts("split"))]
    elif table.has("fold") and not all(map(is_blank, table.texts("fold"))):
        folds = [_fold(spec, table, row, text) for row, text in enumerate(table.texts("fold"))]
    else:
        keys = [patient or record for patient, record in zip(patients, ids, strict=True)]
        folds = [int(fold) for fold in hash_folds(keys, spec.family)]
    _check_patients(spec, patients, folds, table)
    return folds


def _split(spec: DatasetSpec, table: Table, row: int, text: str) -> int:
    chosen = text.lower()
    if chosen not in ("train", "val", "test"):
        raise table.error(row, f"the split {text!r}", "Write train, val or test.")
    folds: tuple[int, ...] = getattr(spec.splits, chosen)
    if not folds:
        raise table.error(
            row, f"the split {text!r}, which the YAML file leaves empty", "Give it a fold there."
        )
    return folds[0]


def _fold(spec: DatasetSpec, table: Table, row: int, text: str) -> int:
    try:
        fold = read_fold(text)
    except ValueError as error:
        raise table.error(row, str(error), "Write a whole number.") from error
    if not spec.splits.knows(fold):
        raise table.error(
            row,
            f"the fold {fold}, which no split has",
            "Folds are 1 to 10; for others say which make a split: `splits: {train: [0, 1], "
            "val: [2], test: [3]}`.",
        )
    return fold


def _check_patients(spec: DatasetSpec, patients: list[str], folds: list[int], table: Table) -> None:
    """Refuse a patient who stands in two splits: scores would be of patients seen in training."""
    split_of: dict[str, str] = {}
    for row, (patient, fold) in enumerate(zip(patients, folds, strict=True)):
        split = spec.splits.of_fold(fold)
        if split is None or not patient:
            continue
        if split_of.setdefault(patient, split) != split:
            raise table.error(
                row,
                f"patient {patient!r} in two splits ({split_of[patient]} and {split})",
                "Put all records of a patient into one split.",
            )
