"""PTB-XL's layout: ``ptbxl_database.csv``, ``scp_statements.csv``, ``records500``, ``records100``."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ecgbench.base.errors import DataError
from ecgbench.data.labels import LabelSet, scp_label_sets
from ecgbench.data.layouts import Source, check_version
from ecgbench.data.recording import parse_header
from ecgbench.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd

_PATH_COLUMN = {500: "filename_hr", 100: "filename_lr"}
_SEX = {"0": "male", "1": "female"}  # as in PTB-XL's paper
_READY_UNIT = "NU"  # the unit of records that a processing has been applied to


def open_source(spec: DatasetSpec, folder: Path, rate: int | None) -> Source:
    """Read the database and the statements of a PTB-XL-shaped folder; see the Layout protocol."""
    database, label_sets, files = _database(spec, folder)
    chosen, processing = _choose_signals(spec, folder, database, rate)
    return Source(
        folder=folder,
        records=_records(database, _PATH_COLUMN[chosen], label_sets),
        label_sets=label_sets,
        rate=chosen,
        signals=f"records{chosen}",
        processing=processing,
        metadata=files,
    )


def read_metadata(spec: DatasetSpec, folder: Path) -> tuple[pd.DataFrame, dict[str, LabelSet]]:
    """Read the records and label sets of a folder that may hold no signals: enough to score.

    Raises:
        DataError: See the Layout protocol.
    """
    database, label_sets, _ = _database(spec, folder)
    return _records(database, _PATH_COLUMN[500], label_sets), label_sets


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
    database = pd.read_csv(files[0], dtype=str, keep_default_na=False).set_index("ecg_id")
    statements = pd.read_csv(files[1], index_col=0)
    if not database.index.is_unique:
        raise DataError(f"{files[0]} has an ecg_id twice.")
    check_version(spec, folder, len(database))
    if spec.subset is not None:
        database = _subset(spec, database)
    return database, scp_label_sets(statements), files


def _records(
    database: pd.DataFrame, path_column: str, label_sets: dict[str, LabelSet]
) -> pd.DataFrame:
    import pandas as pd

    known = set(label_sets["all"].classes)
    codes = [_codes(text, record) for record, text in database["scp_codes"].items()]
    unknown = sorted({code for of_record in codes for code in of_record} - known)
    if unknown:
        raise DataError(f"ptbxl_database.csv has codes that scp_statements.csv lacks: {unknown}.")
    number = pd.to_numeric
    return pd.DataFrame(
        {
            "patient_id": [str(int(float(value))) for value in database["patient_id"]],
            "fold": number(database["strat_fold"]).astype("int64"),
            "age": number(database["age"], errors="coerce").astype("float64"),
            "sex": [_SEX.get(value.removesuffix(".0"), "") for value in database["sex"]],
            "site": [value.removesuffix(".0") for value in database["site"]],
            "device": [" ".join(value.split()) for value in database["device"]],
            "report": database["report"].str.strip(),
            "codes": [json.dumps(of_record, sort_keys=True) for of_record in codes],
            "path": database[path_column],
        },
        index=database.index.rename("record_id"),
    )


def _codes(text: str, record: object) -> dict[str, float]:
    try:
        value = ast.literal_eval(text)
        return {str(code): float(likelihood) for code, likelihood in value.items()}
    except (ValueError, SyntaxError, AttributeError) as error:
        raise DataError(f"Cannot read the scp_codes of record {record}: {text!r}.") from error


def _subset(spec: DatasetSpec, database: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    wanted = pd.read_csv(spec.folder / str(spec.subset), dtype=str)["record_id"]
    missing = wanted[~wanted.isin(database.index)]
    if len(missing):
        raise DataError(
            f"{len(missing)} of the {len(wanted):,} records of {spec.name} are not in the database "
            f"(the first: {missing.iloc[0]})."
        )
    return database.loc[list(wanted)]


def _choose_signals(
    spec: DatasetSpec, folder: Path, database: pd.DataFrame, rate: int | None
) -> tuple[int, str | None]:
    """Which records folder to read, and the processing that is still to be done."""
    if spec.processing is not None and _is_ready(folder, database):
        return 100, None
    if spec.processing is not None:
        rate = 500  # a processing is defined on the original signals
    for candidate in (500, 100) if rate is None else (rate,):
        if candidate in _PATH_COLUMN and (folder / f"records{candidate}").is_dir():
            return candidate, spec.processing
    wanted = "records500 or records100" if rate is None else f"records{rate}"
    raise DataError(
        f"{folder} has no {wanted}.", f"Get the data with `ecgbench data fetch {spec.name}`."
    )


def _is_ready(folder: Path, database: pd.DataFrame) -> bool:
    for path in database["filename_lr"]:
        header = folder / f"{path}.hea"
        if header.is_file():
            parsed = parse_header(header.read_text(encoding="utf-8"))
            return parsed is not None and set(parsed.units) == {_READY_UNIT}
    return False
