"""MIMIC-IV-ECG: ``record_list.csv``, ``machine_measurements.csv`` and one WFDB record per study."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ecgbench.base.errors import DataError
from ecgbench.data.layouts import Source, check_version
from ecgbench.data.reading.cells import read_ids
from ecgbench.data.reading.tables import read_table
from ecgbench.data.spec import DatasetSpec
from ecgbench.data.splits import hash_folds

if TYPE_CHECKING:
    import pandas as pd

_RECORDS, _MEASUREMENTS = "record_list.csv", "machine_measurements.csv"
_LINE = re.compile(r"^report_\d+$")
_DECORATION = re.compile(r"[*=]+")  # the cart frames some lines with these
_SPACES = re.compile(r"\s+")


def open_source(spec: DatasetSpec, folder: Path, rate: float | None) -> Source:
    """Read the two tables; see the Layout protocol.

    A record's report is its machine report, line by line, joined with ``. ``; the patient is the
    subject, and subjects are put into folds by hash.
    """
    import pandas as pd

    for name in (_RECORDS, _MEASUREMENTS):
        if not (folder / name).is_file():
            raise DataError(
                f"{folder} is no folder of {spec.name}: it has no {name}.",
                f"Get it with `ecgbench data fetch {spec.name}` (--only metadata for the tables).",
            )
    if rate not in (None, spec.rate):
        raise DataError(f"{spec.name} has no records at {rate} Hz.", f"They are at {spec.rate} Hz.")
    columns = ("subject_id", "study_id", "path")
    records = read_table(folder / _RECORDS, columns, wanted=columns.__contains__)
    check_version(spec, folder, len(records))
    studies = read_ids(records["study_id"], f"{folder / _RECORDS}, column 'study_id',")
    if len(set(studies)) != len(studies) or "" in studies:
        raise DataError(f"{folder / _RECORDS} has a study twice or empty.")
    records = records.set_index(pd.Index(studies, name="record_id"))
    measured = _read_measurements(folder / _MEASUREMENTS).reindex(records.index, fill_value="")
    subjects = read_ids(records["subject_id"], f"{folder / _RECORDS}, column 'subject_id',")
    if "" in subjects:
        raise DataError(f"{folder / _RECORDS} has an empty subject_id.")
    return Source(
        folder=folder,
        records=pd.DataFrame(
            {
                "patient_id": subjects,
                "fold": hash_folds(subjects, spec.family),
                "age": float("nan"),
                "sex": "",
                "site": "",
                "device": measured["cart_id"],
                "report": measured["report"],
                "codes": "{}",
                "path": records["path"],
            },
            index=records.index,
        ),
        label_sets={},
        rate=spec.rate,
        signals="wfdb",
        processing=None,
        metadata=(folder / _RECORDS, folder / _MEASUREMENTS),
    )


def _read_measurements(file: Path) -> pd.DataFrame:
    """Cart and report of each study."""
    import pandas as pd

    table = read_table(
        file,
        ["study_id", "cart_id"],
        wanted=lambda name: name in ("study_id", "cart_id") or bool(_LINE.match(name)),
    )
    lines = sorted(
        (name for name in table.columns if _LINE.match(name)), key=lambda name: int(name[7:])
    )
    reports = [clean_report(parts) for parts in table[lines].itertuples(index=False, name=None)]
    return pd.DataFrame(
        {"cart_id": table["cart_id"].to_numpy(), "report": reports},
        index=pd.Index(
            read_ids(table["study_id"], f"{file}, column 'study_id',"), name="record_id"
        ),
    )


def clean_report(lines: tuple[str, ...]) -> str:
    """Join the lines of a machine report into sentences.

    Empty lines go, and asterisks and equals signs that frame a line; ``EKG`` is written ``ECG``.
    Case stays: a method lowers it if its tokenizer wants that.
    """
    cleaned = (_SPACES.sub(" ", _DECORATION.sub(" ", line)).strip(" .") for line in lines)
    sentences = [line.replace("EKG", "ECG") for line in cleaned if line]
    return ". ".join(sentences) + "." if sentences else ""
