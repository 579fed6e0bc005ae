"""Records in the shape of other hospitals' sets, brought in by YAML and CSV alone.

The files are made up and written with wfdb: the CinC layout of five hospitals (a MATLAB 4 file under each
header, comments with codes), records at 400 Hz, and records at 1,000 Hz with fifteen leads.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgbench.data.opening import prepare
from ecgbench.data.report import contents

from .conftest import FILE_LEADS, ecg_like, own_entry, write_record

# Folder, rate, seconds, counts per mV, codes: as the parts of the Challenge of 2021 have them.
HOSPITALS = [
    ("cpsc_2018/g1/A0001", 500, 12.5, 1000, "59118001"),
    ("georgia/g1/E00001", 500, 10, 1000, "426783006,284470004"),
    ("ningbo/g1/JS10001", 500, 10, 1000, "426177001"),
    ("chapman_shaoxing/g1/JS00001", 500, 10, 1000, "164889003"),
    ("ptb-xl/g1/HR00001", 500, 10, 1000, "426783006"),
    ("ptb/g1/S0001", 1000, 38.4, 2000, "164865005"),
    ("st_petersburg_incart/g1/I0001", 257, 60, 306, "164884008"),
]
LABELS = """
dx:
  AFIB: ['164889003']
  SR: ['426783006']
  MI: ['164865005']
"""


def write_challenge_record(root: Path, path: str, rate: int, seconds: float, gain: int, dx: str):
    """A record of the Challenges; gives its signals in mV, [samples, 12]."""
    samples = round(rate * seconds)
    rng = np.random.default_rng(samples + gain)
    signals = ecg_like(rng, samples, rate)
    comments = ["Age: 74", "Sex: Male", f"Dx: {dx}", "Rx: Unknown"]
    write_record(root, path, signals, fs=rate, adc_gain=[float(gain)] * 12, comments=comments)
    record = root / path
    data = record.with_suffix(".dat").read_bytes()
    head = struct.pack("<5i", 30, 12, samples, 0, 4) + b"val\0"
    record.with_suffix(".mat").write_bytes(head + data)
    record.with_suffix(".dat").unlink()
    header = record.with_suffix(".hea")
    text = header.read_text()
    name = Path(path).name
    header.write_text(text.replace(f"{name}.dat 16 ", f"{name}.mat 16+24 "))
    return wfdb.rdrecord(str(record)).p_signal


@pytest.fixture
def challenge(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    root = tmp_path / "challenge"
    raw = {Path(h[0]).name: write_challenge_record(root, *h) for h in HOSPITALS}
    (root / "ptb/g1/RECORDS").write_text("S0001\n")
    return root, raw


def check_signals_are_the_files(made, raw: dict[str, np.ndarray], rate: float) -> None:
    for row, record in enumerate(made.records.index):
        length = made.store.lengths[row]
        stored = made.store.read([row])[0, :, :length]
        expected = raw[record][:length].T
        half = made.store.scale[row][:, None] / 2
        assert (np.abs(stored - expected) <= half + 1e-6).all(), record


def test_five_hospitals_by_their_headers(ecgbench_home, add_spec, tmp_path, challenge) -> None:
    root, raw = challenge
    (tmp_path / "catalogue/dx.yaml").write_text(LABELS)
    add_spec(own_entry(rate=500, layout="wfdb-dx", label_sets=["dx"], labels="dx.yaml"))
    made = prepare("own", root, workers=1)
    assert len(made.store) == 7
    assert made.store.shape == (7, 12, 5000)
    assert set(made.records["age"]) == {74.0}
    assert set(made.records["sex"]) == {"male"}
    shown = dict(contents(made))
    assert shown["resampled"] == "1 records from 1000 Hz, 1 records from 257 Hz"
    assert shown["cut"] == "3 records at 10 s"
    assert shown["doubtful"] == "none"
    assert shown["quarantined"] == "none"
    table = made.labels("dx")
    found = dict(zip(table.record_ids, table.values.tolist(), strict=True))
    assert found == {
        "E00001": [0, 0, 1], "HR00001": [0, 0, 1], "JS00001": [1, 0, 0], "S0001": [0, 1, 0],
    }  # fmt: skip
    same = {"A0001", "E00001", "JS10001", "JS00001", "HR00001"}
    for row, record in enumerate(made.records.index):
        if record not in same:
            continue
        stored = made.store.read([row])[0]
        np.testing.assert_allclose(stored, raw[record][:5000].T, atol=1e-6)  # counts are kept
    row = list(made.records.index).index("S0001")  # every second sample, but for the filter
    error = made.store.read([row])[0] - raw["S0001"][:10000:2].T
    assert np.sqrt((error[:, 100:-100] ** 2).mean()) < 0.03


def test_five_hospitals_by_a_table(ecgbench_home, add_spec, challenge) -> None:
    root, raw = challenge
    chosen = [h for h in HOSPITALS if h[1] == 500]
    rows = [f'{Path(h[0]).name},{h[0]},{h[0].partition("/")[0]},"{h[4]}"' for h in chosen]
    lines = ["id,file,hospital,dx", *rows]
    (root / "records.csv").write_text("\n".join(lines) + "\n")
    options = {
        "columns": {"record_id": "id", "path": "file", "site": "hospital"},
        "labels": {"dx": {"column": "dx", "separator": ","}},
    }
    add_spec(own_entry(rate=500, label_sets=["dx"], options=options))
    made = prepare("own", root, workers=1)
    assert made.records["site"].nunique() == 5
    check_signals_are_the_files(made, raw, 500)
    assert made.labels("dx").classes == (
        "164889003",
        "284470004",
        "426177001",
        "426783006",
        "59118001",
    )


def test_records_at_400_hz(ecgbench_home, add_spec, tmp_path) -> None:
    """As CODE-15 has them: 400 Hz, 7 or 10 s, exam and patient numbers, flags, age, is_male."""
    root = tmp_path / "code"
    rng = np.random.default_rng(0)
    raw = {}
    names = ["DI", "DII", "DIII", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    rows = ["exam_id,file,patient_id,age,sex,AF,LBBB"]
    for exam, seconds in ((1169160, 10), (2873686, 7), (168405, 10), (271011, 10.24)):
        samples = round(400 * seconds)
        write_record(root, f"{exam}", ecg_like(rng, samples, 400), fs=400, sig_name=names)
        raw[str(exam)] = wfdb.rdrecord(str(root / f"{exam}")).p_signal
        rows.append(f"{exam},{exam},{exam % 7}.0,{38 + exam % 9},M,{exam % 2},0")
    (root / "records.csv").write_text("\n".join(rows) + "\n")
    options = {
        "columns": {"record_id": "exam_id", "path": "file"},
        "labels": {"abnormal": {"columns": ["AF", "LBBB"]}},
    }
    add_spec(own_entry(rate=400, label_sets=["abnormal"], options=options))
    made = prepare("own", root, workers=1)
    assert made.store.shape == (4, 12, 4000)
    assert made.store.lengths.tolist() == [4000, 2800, 4000, 4000]
    assert made.records["patient_id"].tolist() == [str(exam % 7) for exam in map(int, raw)]
    check_signals_are_the_files(made, raw, 400)
    assert made.labels("abnormal").values.sum(axis=0).tolist() == [2, 0]


def test_records_at_1000_hz_with_15_leads(ecgbench_home, add_spec, tmp_path) -> None:
    """As PTB has them: 38 to 115 s, lower-case names, Frank's leads behind the twelve."""
    root = tmp_path / "ptb"
    raw = {}
    rows = ["record_id,path,patient_id,dx"]
    names = [name.lower() for name in FILE_LEADS] + ["vx", "vy", "vz"]
    for number, seconds in enumerate((38.4, 57.6, 115.2)):
        rng = np.random.default_rng(number)
        twelve = ecg_like(rng, round(1000 * seconds), 1000)
        fifteen = np.hstack([twelve, twelve[:, 6:9] * 0.5])
        path = f"patient{number:03d}/s{number:04d}lre"
        write_record(
            root, path, fifteen, fs=1000, sig_name=names, units=["mV"] * 15, fmt=["16"] * 15,
            adc_gain=[2000.0] * 15, baseline=[0] * 15,
        )  # fmt: skip
        raw[f"s{number:04d}"] = wfdb.rdrecord(str(root / path)).p_signal[:, :12]
        rows.append(f"s{number:04d},{path},patient{number:03d},Myocardial infarction")
    (root / "records.csv").write_text("\n".join(rows) + "\n")
    options = {"labels": {"dx": {"column": "dx"}}}
    add_spec(own_entry(rate=1000, seconds=30, label_sets=["dx"], options=options))
    made = prepare("own", root, workers=1)
    assert made.store.shape == (3, 12, 30000)
    assert dict(contents(made))["cut"] == "3 records at 30 s"
    check_signals_are_the_files(made, raw, 1000)
