"""Mutated headers, tables and YAML files: read rightly, quarantined, or refused in one line.

``ECGBENCH_MUTATIONS`` sets how many in all; 2,000 take about a minute.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgbench.base.errors import EcgbenchError
from ecgbench.data.intake import Intake, take
from ecgbench.data.layouts.table import open_source
from ecgbench.data.layouts.wfdb_dx import read_label_sets
from ecgbench.data.leads import LEADS
from ecgbench.data.reading.cells import is_blank
from ecgbench.data.spec import load_spec

from .conftest import ecg_like, own_entry, write_record

TOTAL = int(os.environ.get("ECGBENCH_MUTATIONS", "240"))
INTAKE = Intake(
    leads=LEADS, rate=100, stored_rate=100, seconds=10, min_seconds=5, units="mV",
    processing=None, derive_limb_leads=False,
)  # fmt: skip
ODD = [
    "", " ", "\t", "\n", "\r\n", "\0", ",", ";", '"', "'", "{", "}", "[", "]", ":", "#", "/", "(", ")",
    "-1", "0", "1e9", "nan", "NA", "inf", "9999999999999999", "1.0", "12.0", "012", "µV", "uV", "V", "mV",
    "16x2", "212", "16+24", "~", "&a", "*a", "!!int", "yes", "NO", "é", "\ufeff", "\u2028", "..", "|",
    "AFIB", "afib ", "{'SR': 100}", "{'SR': 1}", ">89", "065Y", "65,5", "1E+05", "train", "I", "aVR",
]  # fmt: skip


def share(part: float):
    return settings(
        max_examples=max(1, round(part * TOTAL)),
        deadline=None,
        derandomize="ECGBENCH_MUTATIONS" not in os.environ,
        suppress_health_check=[HealthCheck.too_slow],
    )


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """``text`` with one to three changes: a piece is dropped, doubled, moved or put in its place."""
    for _ in range(draw(st.integers(1, 3))):
        spans = [match.span() for match in re.finditer(r"[\w.+-]+|\n|[^\w\n]", text)]
        lines = [match.span() for match in re.finditer(r"[^\n]*\n", text)]
        start, end = draw(st.sampled_from(spans * 3 + lines if spans else [(0, 0)]))
        piece = text[start:end]
        other = draw(
            st.sampled_from([*ODD, piece * 2, "", draw(st.sampled_from(string.printable))])
        )
        if draw(st.booleans()):
            text = text[:start] + other + text[end:]
        else:
            text = text[:start] + other + piece + text[end:]
    return text


def refused(call) -> object | None:
    """What a call gives; None where it refuses in one line. Any other error is the test's."""
    try:
        return call()
    except EcgbenchError as error:
        message = error.message
    assert message
    assert len(message.splitlines()) == 1, message
    return None


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    rng = np.random.default_rng(0)
    write_record(folder, "r", ecg_like(rng, 600, 100), comments=["Age: 60", "Dx: 1,2"])
    return folder


HEADER = "".join(
    ["r 12 100 600 10:20:30 1/2/2003\n"]
    + [f"r.dat 16 1000(0)/mV 16 0 0 0 0 {lead}\n" for lead in LEADS]
    + ["#Age: 60\n", "#Dx: 1,2\n"]
)
_UNIT = {"mV": 1, "uV": 1e-3, "µV": 1e-3, "V": 1e3, None: 1}


def said_by(text: str, data: np.ndarray) -> dict[str, np.ndarray] | None:
    """What a plain reading of the header makes of each lead; None where that is not so simple."""
    lines = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    body = [line.split(maxsplit=8) for line in lines[1:]]
    if not re.fullmatch(r"\S+ [0-9]+ [0-9.]+ [0-9]+( .*)?", lines[0] if lines else ""):
        return None
    if not all(len(f) == 9 and f[:2] == ["r.dat", "16"] for f in body):
        return None
    if len(body) * int(lines[0].split()[3]) > data.size:
        return None
    rows = data[: len(body) * int(lines[0].split()[3])].reshape(-1, len(body)).T
    found = {}
    for fields, row in zip(body, rows, strict=True):
        gain = re.fullmatch(r"([0-9.]+)(?:\((-?[0-9]+)\))?(?:/(\S+))?", fields[2])
        if gain is None or gain[3] not in _UNIT:
            return None
        zero = float(gain[2] if gain[2] is not None else fields[4])
        found[fields[8].strip()] = (row - zero) / float(gain[1]) * _UNIT[gain[3]]
    return found


@share(0.4)
@given(text=mutated(HEADER), encoding=st.sampled_from(["utf-8", "latin-1", "utf-16"]))
def test_headers(records: Path, text: str, encoding: str) -> None:
    (records / "r.hea").write_bytes(text.encode(encoding, errors="replace"))
    taken = refused(lambda: take(INTAKE, records / "r"))
    if taken is None or taken.resampled_from is not None:
        return
    assert np.isfinite(taken.signals).all()
    data = np.fromfile(records / "r.dat", "<i2").astype(float)
    said = said_by(text, data) if encoding == "utf-8" else None
    if said is None:
        return
    for lead, row in zip(LEADS, taken.signals, strict=True):
        names = [name for name in said if name.upper() == lead.upper()]
        assert len(names) <= 1
        if names:
            np.testing.assert_allclose(row, said[names[0]][: len(row)], rtol=1e-9, atol=1e-9)


TABLE = (
    "record_id,path,patient_id,age,sex,dx,AF,fold,report\n"
    '1,r,12,60,M,SR;AFIB,1,1,"one, two"\n'
    "2,r,13.0,61,F,SR,0,1,\n"
    "3,r,,62,,AFIB,,9,three\n"
    "4,r,14,,F,,0,10,vier\n"
)
OPTIONS = {
    "labels": {"dx": {"column": "dx"}, "af": {"columns": ["AF"]}},
}


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    file = tmp_path_factory.mktemp("entry") / "own.yaml"
    file.write_text(own_entry(label_sets=["dx", "af"], options=OPTIONS))
    return load_spec(file)[1]


def one_spelling(text: str) -> str:
    text = text.strip()
    return "" if is_blank(text) else re.sub(r"^([0-9]+)\.0+$", r"\1", text)


@share(0.4)
@given(text=mutated(TABLE), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
def test_tables(records: Path, entry, text: str, encoding: str) -> None:
    data = text.encode(encoding, errors="replace")
    text = data.decode(encoding)
    (records / "records.csv").write_bytes(data)
    source = refused(lambda: open_source(entry, records, None))
    if source is None:
        return
    header, *rows = [
        [cell.strip() for cell in row]
        for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        if any(cell.strip() for cell in row)
    ]
    if not {"record_id", "path"} <= set(header):
        return  # another separator
    cells = [dict(zip(header, row, strict=False)) for row in rows]
    assert list(source.records.index) == [one_spelling(row["record_id"]) for row in cells]
    names = dict(zip(source.records.index, source.records["patient_id"], strict=True))
    for row, (record, codes) in zip(cells, source.records["codes"].items(), strict=True):
        patient = one_spelling(row.get("patient_id", ""))
        assert names[record] in ([patient] if patient else [record, f"record {record}"])
        found = {code.partition(":")[2] for code in json.loads(codes) if code.startswith("dx:")}
        written = row["dx"].strip()
        if not written.startswith(("{", "[")):
            parts = {part.strip() for part in written.split(";")}
            assert found == {part for part in parts if not is_blank(part)}
        if not is_blank(row["AF"]):
            af = row["AF"].lower() in ("1", "1.0", "true")
            assert ("af:AF" in json.loads(codes)) == af
            assert ("af:" in json.loads(codes)) == (not af)
        age = source.records.loc[record, "age"]
        assert math.isnan(age) or 0 <= age <= 120


ENTRY = """name: own
title: A title
version: "1"
licence: private
citation: none
layout: table
rate: 100
seconds: 10
min_seconds: 5
leads: [I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6]
derive_limb_leads: false
lead_names: {FOOT: aVF}
units: mV
unit_names: {counts: uV}
label_sets: [dx, af]
splits: {by: patient, train: [1, 2], val: [9], test: [10]}
options:
  records: records.csv
  encoding: utf-8
  columns: {report: report}
  labels:
    dx: {column: dx, separator: ";"}
    af: {columns: [AF]}
"""


@share(0.15)
@given(text=mutated(ENTRY))
def test_entries(records: Path, text: str) -> None:
    (records / "own.yaml").write_bytes(text.encode(errors="replace"))
    (records / "records.csv").write_text(TABLE)
    loaded = refused(lambda: load_spec(records / "own.yaml"))
    if loaded is None:
        return
    spec = loaded[1]
    assert 0 < spec.rate < math.inf
    assert len(set(spec.leads)) == len(spec.leads) > 0
    json.dumps(spec.state(), allow_nan=False)
    if spec.layout != "table":
        return
    source = refused(lambda: open_source(spec, records, None))
    if source is not None:
        assert list(source.records.index) == ["1", "2", "3", "4"]


CODES = "dx:\n  SR: ['426783006', 010]\n  AFIB: ['164889003']\n  NO: [Y, 1.0]\n"


@share(0.05)
@given(text=mutated(CODES))
def test_label_files(records: Path, text: str) -> None:
    (records / "codes.yaml").write_bytes(text.encode(errors="replace"))
    entry = own_entry(layout="wfdb-dx", label_sets=["dx"], labels="codes.yaml")
    (records / "dx.yaml").write_text(entry)
    spec = load_spec(records / "dx.yaml")[1]
    sets = refused(lambda: read_label_sets(spec))
    if sets is not None:
        written = set(re.findall(r"[^\s'\"\[\]{},:]+", text))
        assert all(
            set(re.findall(r"[^\s'\"\[\]{},:]+", code)) <= written for code in sets["dx"].classes_of
        )
