from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ecgbench.base.errors import DataError
from ecgbench.data.fetch import fetch
from ecgbench.data.layouts.mimic import clean_report
from ecgbench.data.leads import LEADS
from ecgbench.data.opening import prepare, verify
from ecgbench.data.reading.recording import read_recording
from ecgbench.data.spec import datasets

from .conftest import ecg_like, write_record
from .test_fetch import Server, write_sums

SUBJECTS = 30


def sample() -> str:
    spec = datasets.get("mimic-iv-ecg")
    lines = (spec.folder / "mimic-iv-ecg.yaml").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("records:")]
    text = "\n".join(kept).replace("name: mimic-iv-ecg", "name: mimic-sample")
    return text.replace("path: mimic-iv-ecg/1.0", "path: toy/1")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two studies of each subject, in MIMIC's lead order, with machine reports."""
    root = tmp_path_factory.mktemp("template") / "mimic"
    rng = np.random.default_rng(0)
    names = ["I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"]
    records = ["subject_id,study_id,file_name,ecg_time,path"]
    measured = [
        "subject_id,study_id,cart_id,ecg_time,report_0,report_1,report_10,report_2,rr_interval"
    ]
    for subject in range(SUBJECTS):
        for visit in range(2):
            study = 4000 + 2 * subject + visit
            path = f"files/p1/p{subject}/s{study}/{study}"
            signals = ecg_like(rng, 5000, 500)[:, [LEADS.index(lead) for lead in names]]
            write_record(root, path, signals, fs=500, sig_name=names)
            records.append(f"{subject},{study},{study},2180-01-01,{path}")
            measured.append(
                f"{subject},{study},6848,2180-01-01,Sinus rhythm,  **Normal EKG** ,last,then,800"
            )
    (root / "record_list.csv").write_text("\n".join(records) + "\n")
    (root / "machine_measurements.csv").write_text(
        "\n".join([measured[0], *measured[:0:-1]]) + "\n"
    )
    return root


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "mimic"))


def test_subjects_reports_and_leads(ecgbench_home, add_spec, folder) -> None:
    add_spec(sample())
    dataset = prepare("mimic-sample", folder, workers=1)
    assert len(dataset.store) == 2 * SUBJECTS
    first = dataset.records.loc["4000"]
    assert (first["patient_id"], first["device"]) == ("0", "6848")
    assert (
        first["report"] == "Sinus rhythm. Normal ECG. then. last."
    )  # report_10 comes after report_2
    per_subject = dataset.records.groupby("patient_id")["split"].nunique()
    assert (per_subject == 1).all()
    assert set(dataset.records["split"]) == {"train", "val", "test"}
    recording = read_recording(folder / "files/p1/p0/s4000/4000")
    avl = recording.leads.index("aVL")
    assert avl == 5  # MIMIC's own order has aVF before it
    np.testing.assert_allclose(dataset.store.read([0])[0, 4], recording.signals[avl], rtol=2e-7)
    with pytest.raises(DataError, match="no label set"):
        dataset.labels("all")


@pytest.mark.parametrize(
    ("lines", "report"),
    [
        (("Sinus rhythm", "", "Normal ECG"), "Sinus rhythm. Normal ECG."),
        (("=== PEDIATRIC ===", "Sinus  rhythm."), "PEDIATRIC. Sinus rhythm."),
        (("** Abnormal EKG **",), "Abnormal ECG."),
        (("", ""), ""),
    ],
)
def test_machine_reports_become_sentences(lines, report) -> None:
    assert clean_report(lines) == report


def test_streaming_makes_the_same_store_and_keeps_no_signal(
    ecgbench_home, add_spec, folder, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    add_spec(sample())
    write_sums(folder)
    server = Server(folder)
    server.tear["files/p1/p3/s4006/4006.dat"] = 1
    try:
        tables = fetch("mimic-sample", tmp_path / "tables", base_url=server.url, only=["metadata"])
        monkeypatch.setattr("ecgbench.data.prepare.CHUNK", 25)
        monkeypatch.setattr("ecgbench.data.fetch.Downloader.__init__.__defaults__", (0.0,))
        streamed = prepare("mimic-sample", tables, workers=1, stream=server.url)
    finally:
        server.http.shutdown()
        server.http.server_close()
    assert not list(tables.rglob("*.dat"))
    assert not list(ecgbench_home.rglob("*.dat"))
    assert len(streamed.store) == 2 * SUBJECTS
    assert not verify("mimic-sample")[1]  # no signal was kept to compare with
    assert prepare("mimic-sample", folder, workers=1).fingerprint == streamed.fingerprint


def test_a_server_that_fails_ends_the_stream_and_quarantines_nothing(
    ecgbench_home, add_spec, folder, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    add_spec(sample())
    write_sums(folder)
    server = Server(folder)
    try:
        tables = fetch("mimic-sample", tmp_path / "tables", base_url=server.url, only=["metadata"])
        server.refuse["files/p1/p3/s4006/4006.dat"] = 404
        with pytest.raises(DataError, match="answers 404"):
            prepare("mimic-sample", tables, workers=1, stream=server.url)
    finally:
        server.http.shutdown()
        server.http.server_close()
    assert not list((ecgbench_home / "stores").glob("mimic*"))


def test_a_folder_without_the_tables_is_refused(ecgbench_home, add_spec, tmp_path) -> None:
    add_spec(sample())
    with pytest.raises(DataError, match=r"no record_list\.csv"):
        prepare("mimic-sample", tmp_path)
