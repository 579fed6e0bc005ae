"""WFDB records whose headers carry diagnoses (``#Dx:``), as in PhysioNet's Challenges and CSN.

Where a folder has a ``REFERENCE.csv`` in the form of CPSC2018 (Recording, First_label ...), its labels
count and the headers' do not.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from ecgbench.base.errors import ConfigError, DataError
from ecgbench.base.progress import track
from ecgbench.data.labels import LabelSet
from ecgbench.data.layouts import Source, check_version
from ecgbench.data.spec import DatasetSpec
from ecgbench.data.splits import hash_folds

if TYPE_CHECKING:
    import pandas as pd

_FIELD = re.compile(r"^#\s*(Age|Sex|Dx)\s*:(.*)$", re.MULTILINE)
_SEX = {"male": "male", "m": "male", "female": "female", "f": "female"}
_REFERENCE = "REFERENCE.csv"


def open_source(spec: DatasetSpec, folder: Path, rate: int | None) -> Source:
    """Read every header below a folder; see the Layout protocol."""
    import pandas as pd

    if rate not in (None, spec.rate):
        raise DataError(f"{spec.name} has no records at {rate} Hz.", f"They are at {spec.rate} Hz.")
    root = folder / str(spec.options.get("records_of", ""))
    headers = sorted((root if root.is_dir() else folder).rglob("*.hea"))
    check_version(spec, folder, len(headers))
    if not headers:
        raise DataError(
            f"{folder} has no WFDB record.", f"Get them with `ecgbench data fetch {spec.name}`."
        )
    ids = [header.stem for header in headers]
    if len(set(ids)) != len(ids):
        raise DataError(f"{folder} has two records of one name; is a copy below it?")
    reference = _reference(folder)
    rows = [_row(header, reference) for header in track(headers, "reading headers")]
    records = pd.DataFrame(rows, index=pd.Index(ids, name="record_id"))
    records.insert(0, "patient_id", ids)  # no patient ids are published: each record is its own
    records.insert(1, "fold", hash_folds(ids, spec.family))
    records["path"] = [header.relative_to(folder).with_suffix("").as_posix() for header in headers]
    return Source(
        folder=folder,
        records=records,
        label_sets=read_label_sets(spec),
        rate=spec.rate,
        signals="wfdb",
        processing=None,
        metadata=(folder / _REFERENCE,) if reference is not None else (),
    )


def read_label_sets(spec: DatasetSpec) -> dict[str, LabelSet]:
    """Read the file of a catalogue entry that says which codes make which class.

    Raises:
        ConfigError: It is missing or does not have the label sets of the entry.
    """
    file = spec.folder / str(spec.labels)
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"Cannot read the labels of {spec.name} in {file}: {error}") from error
    missing = set(spec.label_sets) - set(content)
    if missing:
        raise ConfigError(f"{file} has no label set {', '.join(sorted(missing))}.")
    return {name: _label_set(name, content[name]) for name in spec.label_sets}


def _label_set(name: str, codes_of: dict[str, list[str]]) -> LabelSet:
    classes_of: dict[str, list[str]] = {}
    for label, codes in codes_of.items():
        for code in codes:
            classes_of.setdefault(str(code), []).append(str(label))
    return LabelSet.of(name, classes_of)


def _row(header: Path, reference: dict[str, list[str]] | None) -> dict[str, object]:
    text = header.read_text(encoding="utf-8", errors="replace")
    fields = {name: value.strip() for name, value in _FIELD.findall(text)}
    codes = [code.strip() for code in fields.get("Dx", "").split(",")]
    if reference is not None:
        codes = reference.get(header.stem, [])
    return {
        "age": _number(fields.get("Age", "")),
        "sex": _SEX.get(fields.get("Sex", "").lower(), ""),
        "site": "",
        "device": "",
        "report": "",
        "codes": json.dumps({code: 100.0 for code in codes if code}, sort_keys=True),
    }


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _reference(folder: Path) -> dict[str, list[str]] | None:
    file = folder / _REFERENCE
    if not file.is_file():
        return None
    import pandas as pd

    table: pd.DataFrame = pd.read_csv(file, dtype=str, keep_default_na=False)
    columns = ["First_label", "Second_label", "Third_label"]
    if not {"Recording", *columns} <= set(table.columns):
        raise DataError(f"{file} lacks a column of {', '.join(['Recording', *columns])}.")
    labels = table[columns].to_numpy(dtype=str)
    return {
        record: [value.removesuffix(".0") for value in values if value]
        for record, values in zip(table["Recording"], labels, strict=True)
    }
