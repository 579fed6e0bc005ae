"""A user's own data: a CSV file with one row per record, described by the data set's YAML file.

``options`` of the YAML file::

    records: records.csv            # below the data folder; this is the default
    columns: {record_id: id, path: file, patient_id: patient, age: age, sex: sex, report: text}
    labels:
      diagnosis: {column: dx, separator: ";"}        # several labels in one column
      rhythm: {columns: [AFIB, SR]}                  # or one column of 0 and 1 per class

Every column but ``record_id`` and ``path`` may be missing. Without ``split`` (train, val, test) or
``fold`` (1-10), records are put into folds by the hash of their patient, or of the record where there
is no patient. ``path`` names a WFDB record without suffix, or a ``.npy`` file of [leads, samples] with
the catalogue entry's leads, rate and units.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ecgbench.base.errors import ConfigError, DataError, did_you_mean
from ecgbench.data.labels import LabelSet
from ecgbench.data.layouts import Source, check_version
from ecgbench.data.spec import DatasetSpec
from ecgbench.data.splits import hash_folds

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    "record_id", "path", "patient_id", "age", "sex", "site", "device", "report", "split", "fold",
)  # fmt: skip
_SEX = {"male": "male", "m": "male", "female": "female", "f": "female", "": ""}


class Labels(BaseModel):
    """Where a label set stands in the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str | None = None
    separator: str = ";"
    columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_of_two(self) -> Labels:
        if (self.column is None) == (not self.columns):
            raise ValueError("say either `column` or `columns`")
        return self


class Options(BaseModel):
    """The ``options`` of a catalogue entry with this layout."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    records: str = "records.csv"
    columns: dict[str, str] = {}
    labels: dict[str, Labels] = {}


def open_source(spec: DatasetSpec, folder: Path, rate: int | None) -> Source:
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
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    check_version(spec, folder, len(table))
    value = _reader(table, options, file)
    ids = value("record_id")
    twice = [record for record, count in Counter(ids).items() if count > 1]
    if twice or "" in ids:
        raise DataError(f"{file} has a record_id twice or empty: {(twice or [''])[0]!r}.")
    label_sets, codes = _labels(table, options, file)
    patients = value("patient_id", ids)
    return Source(
        folder=folder,
        records=pd.DataFrame(
            {
                "patient_id": [given or own for given, own in zip(patients, ids, strict=True)],
                "fold": _folds(spec, value, patients, file),
                "age": pd.to_numeric(pd.Series(value("age")), errors="coerce").to_numpy(float),
                "sex": [_sex(text, file) for text in value("sex")],
                "site": value("site"),
                "device": value("device"),
                "report": [text.strip() for text in value("report")],
                "codes": codes,
                "path": [path.removesuffix(".hea") for path in value("path")],
            },
            index=pd.Index(ids, name="record_id"),
        ),
        label_sets=label_sets,
        rate=spec.rate,
        signals="table",
        processing=None,
        metadata=(file,),
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


def _reader(table: pd.DataFrame, options: Options, file: Path) -> Callable[..., list[str]]:
    """Give a function that reads a column by our name for it."""

    def value(name: str, default: list[str] | None = None) -> list[str]:
        column = options.columns.get(name, name)
        if column in table.columns:
            return [str(item).strip() for item in table[column]]
        if name in options.columns or name in ("record_id", "path"):
            raise DataError(
                f"{file} has no column {column!r} for {name}.", did_you_mean(column, table.columns)
            )
        return default if default is not None else [""] * len(table)

    return value


def _folds(
    spec: DatasetSpec, value: Callable[..., list[str]], patients: list[str], file: Path
) -> list[int]:
    splits = value("split")
    if any(splits):
        first = {name: getattr(spec.splits, name)[0] for name in ("train", "val", "test")}
        wrong = sorted(set(splits) - set(first))
        if wrong:
            raise DataError(f"{file} has the split {wrong[0]!r}.", "Write train, val or test.")
        folds = [int(first[split]) for split in splits]
    elif any(value("fold")):
        folds = [_fold(text, file) for text in value("fold")]
    else:
        folds = [int(fold) for fold in hash_folds(patients, spec.family)]
    _check_patients(spec, patients, folds, file)
    return folds


def _fold(text: str, file: Path) -> int:
    try:
        return int(float(text))
    except ValueError as error:
        raise DataError(f"{file} has the fold {text!r}.", "Write a whole number.") from error


def _check_patients(spec: DatasetSpec, patients: list[str], folds: list[int], file: Path) -> None:
    """Refuse a patient who stands in two splits: scores would be of patients seen in training."""
    split_of: dict[str, str | None] = {}
    for patient, fold in zip(patients, folds, strict=True):
        split = spec.splits.of_fold(fold)
        if split is None or not patient:
            continue
        if split_of.setdefault(patient, split) != split:
            raise DataError(
                f"{file} has patient {patient!r} in two splits ({split_of[patient]} and {split}).",
                "Put all records of a patient into one split.",
            )


def _sex(text: str, file: Path) -> str:
    if text.lower() not in _SEX:
        raise DataError(f"{file} has the sex {text!r}.", "Write male, female or nothing.")
    return _SEX[text.lower()]


def _labels(
    table: pd.DataFrame, options: Options, file: Path
) -> tuple[dict[str, LabelSet], list[str]]:
    """Label sets, and the codes of each record; a code is the set's name, a colon, the class."""
    of_record: list[dict[str, float]] = [{} for _ in range(len(table))]
    sets: dict[str, LabelSet] = {}
    for name, labels in sorted(options.labels.items()):
        found = _found(table, labels, file)
        classes = sorted({label for labels_of in found for label in labels_of})
        if not classes:
            raise DataError(f"{file} has no label of the set {name!r}.")
        sets[name] = LabelSet.of(name, {f"{name}:{label}": [label] for label in classes})
        for codes, labels_of in zip(of_record, found, strict=True):
            codes.update({f"{name}:{label}": 100.0 for label in labels_of})
    return sets, [json.dumps(codes, sort_keys=True) for codes in of_record]


def _found(table: pd.DataFrame, labels: Labels, file: Path) -> list[list[str]]:
    names = [labels.column] if labels.column is not None else list(labels.columns)
    for name in names:
        if name not in table.columns:
            raise DataError(f"{file} has no column {name!r}.", did_you_mean(name, table.columns))
    if labels.column is not None:
        texts = table[labels.column]
        parts = [str(text).split(labels.separator) for text in texts]
        return [[label.strip() for label in part if label.strip()] for part in parts]
    flags: dict[str, Any] = {
        name: [_flag(text, name, file) for text in table[name]] for name in names
    }
    return [[name for name in names if flags[name][row]] for row in range(len(table))]


def _flag(text: str, name: str, file: Path) -> bool:
    if text.strip() not in ("0", "1", "0.0", "1.0", ""):
        raise DataError(f"{file} has {text!r} in the column {name!r}.", "Write 0 or 1.")
    return text.strip() in ("1", "1.0")
