"""PTB-XL's layout: ``ptbxl_database.csv``, ``scp_statements.csv``, ``records500``, ``records100``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ecgbench.base.errors import DataError
from ecgbench.data.labels import LabelSet, scp_label_sets
from ecgbench.data.layouts import Source, check_version
from ecgbench.data.reading.cells import read_age, read_codes, read_fold, read_ids
from ecgbench.data.reading.headers import header_text, parse_header
from ecgbench.data.reading.tables import read_table
from ecgbench.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd

_PATH_COLUMN = {500: "filename_hr", 100: "filename_lr"}
_COLUMNS = (
    "ecg_id", "patient_id", "age", "sex", "site", "device", "report", "scp_codes", "strat_fold",
    "filename_lr", "filename_hr",
)  # fmt: skip
_STATEMENTS = ("diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass")
_VERY_OLD = 300.0  # what PTB-XL writes for 90 years and more
_SEX = {"0": "male", "1": "female"}  # as in PTB-XL's paper
_READY_UNIT = "NU"  # the unit of records that a processing has been applied to


def open_source(spec: DatasetSpec, folder: Path, rate: float | None) -> Source:
    """Read the database and the statements of a PTB-XL-shaped folder; see the Layout protocol."""
    database, label_sets, files = _database(spec, folder)
    chosen, processing = _choose_signals(spec, folder, database, rate)
    records, doubts = _records(spec, database, _PATH_COLUMN[chosen], label_sets)
    return Source(
        folder=folder,
        records=records,
        label_sets=label_sets,
        rate=chosen,
        signals=f"records{chosen}",
        processing=processing,
        metadata=files,
        doubts=doubts,
    )


def read_metadata(spec: DatasetSpec, folder: Path) -> tuple[pd.DataFrame, dict[str, LabelSet]]:
    """Read the records and label sets of a folder that may hold no signals: enough to score.

    Raises:
        DataError: See the Layout protocol.
    """
    database, label_sets, _ = _database(spec, folder)
    return _records(spec, database, _PATH_COLUMN[500], label_sets)[0], label_sets


def _database(
    spec: DatasetSpec, folder: Path
) -> tuple[pd.DataFrame, dict[str, LabelSet], tuple[Path, Path]]:
    import pandas as pd

    files = (folder / "ptbxl_database.csv", folder / "scp_statements.csv")
    for file in files:
        if not file.is_file():
            raise DataError(
                f"{folder} is no folder of {spec.name}: it has no {file.name}.",
                f"Get the data with `ecgbench data fetch {spec.name}`.",
            )
    database = read_table(files[0], _COLUMNS, wanted=_COLUMNS.__contains__)
    ids = read_ids(database["ecg_id"], f"{files[0]}, column 'ecg_id',")
    if len(set(ids)) != len(ids) or "" in ids:
        raise DataError(f"{files[0]} has an ecg_id twice or empty.")
    database = database.set_index(pd.Index(ids, name="record_id"))
    statements = _statements(files[1])
    check_version(spec, folder, len(database))
    if spec.subset is not None:
        database = _subset(spec, database)
    return database, scp_label_sets(statements), files


def _statements(file: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        statements: pd.DataFrame = pd.read_csv(file, index_col=0)
    except ValueError as error:  # of pandas' parser, and of the encoding
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"Cannot read {file}: {reason}.") from error
    missing = [name for name in _STATEMENTS if name not in statements.columns]
    if missing or not statements.index.is_unique:
        what = f"lacks the column {missing[0]!r}" if missing else "has a statement twice"
        raise DataError(f"{file} {what}.")
    return statements


def _records(
    spec: DatasetSpec, database: pd.DataFrame, path_column: str, label_sets: dict[str, LabelSet]
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]]]:
    """The records, and why some of them are doubtful."""
    import pandas as pd

    known = set(label_sets["all"].classes)
    codes = [_codes(text, record) for record, text in database["scp_codes"].items()]
    unknown = sorted({code for of_record in codes for code in of_record} - known)
    if unknown:
        raise DataError(f"ptbxl_database.csv has codes that scp_statements.csv lacks: {unknown}.")
    patients = read_ids(database["patient_id"], "ptbxl_database.csv, column 'patient_id',")
    ages = [read_age(text, also=(_VERY_OLD,)) for text in database["age"]]
    own = [f"record {record}" for record in database.index]
    doubts: dict[str, tuple[str, ...]] = {}
    for record, patient, (_, reason) in zip(database.index, patients, ages, strict=True):
        alone = None if patient else "patient not known: taken as one of its own"
        told = tuple(doubt for doubt in (alone, reason) if doubt)
        if told:
            doubts[str(record)] = told
    records = pd.DataFrame(
        {
            "patient_id": [given or alone for given, alone in zip(patients, own, strict=True)],
            "fold": [_fold(spec, text, record) for record, text in database["strat_fold"].items()],
            "age": [age for age, _ in ages],
            "sex": [_SEX.get(value.removesuffix(".0"), "") for value in database["sex"]],
            "site": [value.removesuffix(".0") for value in database["site"]],
            "device": [" ".join(value.split()) for value in database["device"]],
            "report": database["report"],
            "codes": [json.dumps(of_record, sort_keys=True) for of_record in codes],
            "path": database[path_column],
        },
        index=database.index,
    )
    return records.astype({"fold": "int64", "age": "float64"}), doubts


def _codes(text: str, record: object) -> dict[str, float]:
    try:
        if not text.startswith("{"):
            raise ValueError
        return read_codes(text, ";")
    except ValueError as error:
        raise DataError(f"Cannot read the scp_codes of record {record}: {text!r}.") from error


def _fold(spec: DatasetSpec, text: str, record: object) -> int:
    try:
        fold = read_fold(text)
    except ValueError as error:
        raise DataError(f"ptbxl_database.csv has {error} in record {record}.") from error
    if not spec.splits.knows(fold):
        raise DataError(f"ptbxl_database.csv has the fold {fold} in record {record}: not 1 to 10.")
    return fold


def _subset(spec: DatasetSpec, database: pd.DataFrame) -> pd.DataFrame:
    wanted = read_table(spec.folder / str(spec.subset), ["record_id"])["record_id"]
    missing = wanted[~wanted.isin(database.index)]
    if len(missing):
        raise DataError(
            f"{len(missing)} of the {len(wanted):,} records of {spec.name} are not in the database "
            f"(the first: {missing.iloc[0]})."
        )
    return database.loc[list(wanted)]


def _choose_signals(
    spec: DatasetSpec, folder: Path, database: pd.DataFrame, rate: float | None
) -> tuple[int, str | None]:
    """Which records folder to read, and the processing that is still to be done."""
    if spec.processing is not None and _is_ready(folder, database):
        return 100, None
    if spec.processing is not None:
        rate = 500  # a processing is defined on the original signals
    for candidate in (500, 100) if rate is None else (rate,):
        if candidate in _PATH_COLUMN and (folder / f"records{candidate}").is_dir():
            return int(candidate), spec.processing
    wanted = "records500 or records100" if rate is None else f"records{rate}"
    raise DataError(
        f"{folder} has no {wanted}.", f"Get the data with `ecgbench data fetch {spec.name}`."
    )


def _is_ready(folder: Path, database: pd.DataFrame) -> bool:
    for path in database["filename_lr"]:
        if (folder / f"{path}.hea").is_file():
            parsed = parse_header(header_text(folder / path))
            return parsed is not None and set(parsed.units) == {_READY_UNIT}
    return False
