"""WFDB records whose headers carry diagnoses (``#Dx:``), as in PhysioNet's Challenges and CSN.

Where a folder has a ``REFERENCE.csv`` in the form of CPSC2018 (Recording, First_label ...), its labels
count and the headers' do not.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ecgbench.base.errors import ConfigError, DataError
from ecgbench.base.progress import track
from ecgbench.data.labels import LabelSet
from ecgbench.data.layouts import Source, check_version
from ecgbench.data.reading.cells import is_blank, read_age, read_ids, read_sex
from ecgbench.data.reading.headers import header_text
from ecgbench.data.reading.tables import read_table
from ecgbench.data.reading.yamls import read_yaml
from ecgbench.data.spec import DatasetSpec
from ecgbench.data.splits import hash_folds

if TYPE_CHECKING:
    pass

_FIELD = re.compile(r"^#\s*(Age|Sex|Dx)\s*:(.*)$", re.MULTILINE)
_REFERENCE_COLUMNS = ("First_label", "Second_label", "Third_label")
_REFERENCE = "REFERENCE.csv"


def open_source(spec: DatasetSpec, folder: Path, rate: float | None) -> Source:
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
    doubts: dict[str, tuple[str, ...]] = {}
    rows = [_row(header, reference, doubts) for header in track(headers, "reading headers")]
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
        doubts=doubts,
    )


def read_label_sets(spec: DatasetSpec) -> dict[str, LabelSet]:
    """Read the file of a catalogue entry that says which codes make which class.

    Raises:
        ConfigError: It is missing or does not have the label sets of the entry.
    """
    file = spec.folder / str(spec.labels)
    content = read_yaml(file, words=True)
    missing = sorted(set(spec.label_sets) - set(content if isinstance(content, dict) else ()))
    if missing:
        raise ConfigError(f"{file} has no label set {', '.join(missing)}.")
    for name in spec.label_sets:
        made = content[name].values() if isinstance(content[name], dict) else [None]
        if not all(
            isinstance(codes, list) and all(isinstance(c, str) for c in codes) for codes in made
        ):
            raise ConfigError(f"{file}: {name} must give a list of codes for each class.")
    return {name: _label_set(name, content[name]) for name in spec.label_sets}


def _label_set(name: str, codes_of: dict[str, list[str]]) -> LabelSet:
    classes_of: dict[str, list[str]] = {}
    for label, codes in codes_of.items():
        for code in codes:
            classes_of.setdefault(str(code), []).append(str(label))
    return LabelSet.of(name, classes_of)


def _row(
    header: Path,
    reference: dict[str, list[str]] | None,
    doubts: dict[str, tuple[str, ...]],
) -> dict[str, object]:
    """What a header says besides its signals; notes why the record is doubtful."""
    try:
        text = header_text(header.with_suffix(""))
    except DataError:  # the record is quarantined when its signals are read
        text = ""
    fields: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(text):
        fields.setdefault(name, []).append(value.strip())
    codes = [code.strip() for value in fields.get("Dx", []) for code in value.split(",")]
    age, told = read_age(fields.get("Age", [""])[-1])
    reasons = [told]
    try:
        sex, told = read_sex(fields.get("Sex", [""])[-1])
    except ValueError as error:
        sex, told = "", f"sex not known: {error}"
    reasons.append(told)
    if reference is not None:
        codes = reference.get(header.stem, [])
        if header.stem not in reference:
            reasons.append(f"no label: {_REFERENCE} has no row of the record")
    odd = tuple(reason for reason in reasons if reason)
    if odd:
        doubts[header.stem] = odd
    return {
        "age": age,
        "sex": sex,
        "site": "",
        "device": "",
        "report": "",
        "codes": json.dumps({code: 100.0 for code in codes if not is_blank(code)}, sort_keys=True),
    }


def _reference(folder: Path) -> dict[str, list[str]] | None:
    file = folder / _REFERENCE
    if not file.is_file():
        return None
    table = read_table(file, ["Recording", *_REFERENCE_COLUMNS])
    ids = read_ids(table["Recording"], f"{file}, column 'Recording',")
    if len(set(ids)) != len(ids):
        raise DataError(f"{file} has a recording twice.")
    labels = table[list(_REFERENCE_COLUMNS)].to_numpy(dtype=str)
    return {
        record: [value.removesuffix(".0") for value in values if not is_blank(value)]
        for record, values in zip(ids, labels, strict=True)
    }
