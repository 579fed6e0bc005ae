from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbench.base.errors import DataError, EcgbenchError
from ecgbench.data import chunks
from ecgbench.data import prepare as module
from ecgbench.data.intake import quantise
from ecgbench.data.opening import open_dataset, prepare, verify
from ecgbench.data.reading.recording import read_recording

from .conftest import TOY, ecg_like, write_ptbxl, write_record


def spoil(folder, number: int, **changes: object) -> None:
    """Write one record of the toy set again, with something wrong."""
    rng = np.random.default_rng(number)
    signals = changes.pop("signals", None)
    signals = ecg_like(rng, 1000, 100) if signals is None else signals
    write_record(folder, f"records100/00000/{number:05d}_lr", signals, **changes)


def test_a_store_holds_what_the_files_hold(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    dataset = prepare("toy", toy_folder, workers=1)
    assert list(dataset.records.index) == [str(number) for number in range(1, 21)]
    for row, number in enumerate(dataset.records.index):
        recording = read_recording(toy_folder / f"records100/00000/{int(number):05d}_lr")
        np.testing.assert_allclose(dataset.store.read([row])[0], recording.signals, rtol=2e-7)
    assert dataset.store.signals.dtype == np.int16
    assert dataset.store.shape == (20, 12, 1000)
    assert set(dataset.store.lengths) == {1000}


def test_leads_are_found_by_name_and_units_by_the_header(
    ecgbench_home, add_spec, toy_folder
) -> None:
    add_spec()
    before = read_recording(toy_folder / "records100/00000/00003_lr")
    turned = [0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 11, 10]
    names = [before.leads[place] for place in turned]
    microvolts = before.signals[turned].T * 1000
    spoil(toy_folder, 3, signals=microvolts, sig_name=names, units=["uV"] * 12, adc_gain=[1.0] * 12)
    dataset = prepare("toy", toy_folder, workers=1)
    np.testing.assert_allclose(dataset.store.read([2])[0], before.signals, atol=1e-6)


def test_what_cannot_be_used_is_quarantined_with_its_reason(
    ecgbench_home, add_spec, toy_folder
) -> None:
    add_spec()
    good = prepare("toy", toy_folder, workers=1)
    signals = ecg_like(np.random.default_rng(0), 1000, 100)
    with_nan, with_flat = signals.copy(), signals.copy()
    with_nan[500, 7] = np.nan
    with_flat[:, 2] = 0.3
    spoil(toy_folder, 2, signals=with_nan)
    spoil(toy_folder, 5, signals=with_flat)
    spoil(toy_folder, 6, signals=signals[:, :11])
    spoil(toy_folder, 9, signals=signals[:300])
    spoil(toy_folder, 11, units=["mmHg"] * 12)
    spoil(toy_folder, 12, fs=5)
    (toy_folder / "records100/00000/00014_lr.dat").unlink()
    torn = toy_folder / "records100/00000/00020_lr.dat"
    torn.write_bytes(torn.read_bytes()[:-2])

    dataset = prepare("toy", toy_folder, workers=1)
    reasons = dataset.store.read_quarantine().set_index("record_id")["reason"].to_dict()
    assert reasons == {
        "2": "not finite: V2",
        "5": "flat: III",
        "6": "lacks a lead: V6",
        "9": "too short: 3 s, at least 5",
        "11": "other unit: mmHg, not mV",
        "12": "other rate: 5 Hz is no rate of an ECG",
        "14": "cannot read: 00014_lr.dat: No such file or directory",
        "20": "torn: 00020_lr.dat has 11999 of 12000 samples",
    }
    manifest = dataset.store.manifest
    assert sum(manifest["quarantined"].values()) == 8
    assert manifest["quarantined"]["flat"] == 1
    assert len(dataset.store) == len(dataset.records) == manifest["records"] == 12
    # those that stay moved up together with their signals
    kept = [int(record) - 1 for record in dataset.records.index]
    np.testing.assert_array_equal(dataset.store.read(slice(None)), good.store.read(np.array(kept)))
    assert dataset.fingerprint != good.fingerprint


def test_short_records_keep_their_length(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    spoil(toy_folder, 4, signals=ecg_like(np.random.default_rng(0), 700, 100))
    spoil(toy_folder, 5, signals=ecg_like(np.random.default_rng(1), 1700, 100))
    store = prepare("toy", toy_folder, workers=1).store
    assert store.lengths[3:5].tolist() == [700, 1000]
    assert not store.read([3])[0, :, 700:].any()
    assert store.read([3])[0, :, 699].any()


def test_a_folder_without_one_usable_record_is_refused(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    shutil.rmtree(toy_folder / "records100/00000")
    with pytest.raises(DataError, match=r"No record .* can be used"):
        prepare("toy", toy_folder, workers=1)
    with pytest.raises(DataError, match="no prepared data"):
        open_dataset("toy")


def test_the_number_of_workers_changes_nothing(
    ecgbench_home, add_spec, tmp_path, monkeypatch
) -> None:
    add_spec()
    folder = write_ptbxl(tmp_path / "more", records=24)
    monkeypatch.setattr(module, "CHUNK", 5)
    alone = prepare("toy", folder, workers=1)
    first, path = alone.store.manifest, alone.store.path
    shutil.rmtree(path)
    together = prepare("toy", folder, workers=2)
    assert together.store.manifest == first
    assert together.store.path == path


def test_preparing_again_opens_what_is_there(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    first = prepare("toy", toy_folder, workers=1).store
    stamp = (first.path / "signals.bin").stat().st_mtime_ns
    again = prepare("toy", toy_folder, workers=1).store
    assert (again.path / "signals.bin").stat().st_mtime_ns == stamp


def test_an_interrupted_run_goes_on_where_it_stopped(
    ecgbench_home, add_spec, toy_folder, monkeypatch
) -> None:
    add_spec()
    whole = prepare("toy", toy_folder, workers=1).store
    expected = whole.manifest
    shutil.rmtree(whole.path)

    monkeypatch.setattr(module, "CHUNK", 5)
    done: list[int] = []
    real = module.do_chunk

    def stops_at_the_third(plan, chunk) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        real(plan, chunk)
        done.append(chunk.start)

    monkeypatch.setattr(module, "do_chunk", stops_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        prepare("toy", toy_folder, workers=1)
    assert [path.name for path in (ecgbench_home / "stores").glob("toy-*")] == []

    partial = next((ecgbench_home / "stores").glob(".toy-*.partial"))
    with (partial / "signals.bin").open("r+b") as file:  # the second chunk is damaged meanwhile
        file.seek(5 * 12 * 1000 * 2 + 100)
        file.write(b"damage")
    redone: list[int] = []

    def counts(plan, chunk) -> None:
        redone.append(chunk.start)
        real(plan, chunk)

    monkeypatch.setattr(module, "do_chunk", counts)
    assert prepare("toy", toy_folder, workers=1).store.manifest == expected
    assert redone == [5, 10, 15]


def test_killed_while_closing_gaps_it_still_ends_right(
    ecgbench_home, add_spec, toy_folder, monkeypatch
) -> None:
    add_spec()
    spoil(toy_folder, 2, signals=np.zeros((1000, 12)))
    expected = prepare("toy", toy_folder, workers=1).store
    manifest = expected.manifest
    shutil.rmtree(expected.path)

    def dies(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(np, "save", dies)  # after the records have moved
        with pytest.raises(KeyboardInterrupt):
            prepare("toy", toy_folder, workers=1)
    assert prepare("toy", toy_folder, workers=1).store.manifest == manifest


@pytest.mark.slow
def test_two_processes_at_once_make_one_store(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    program = (
        "import sys; from pathlib import Path; from ecgbench.data.opening import prepare;"
        "print(prepare('toy', Path(sys.argv[1]), workers=1).store.path)"
    )
    command = [sys.executable, "-c", program, str(toy_folder)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {process.communicate(timeout=120)[0] for process in both}
    assert len(answers) == 1
    assert all(process.returncode == 0 for process in both)
    assert len(list((ecgbench_home / "stores").glob("toy-*"))) == 1


def test_another_version_is_named(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec(TOY + "records: 30\nother_versions: {'0.9': 20}\n")
    with pytest.raises(DataError, match=r"expected 30 records, found 20, as version 0\.9 has"):
        prepare("toy", toy_folder)
    assert not (ecgbench_home / "stores").exists()


def test_a_folder_of_something_else_is_refused(ecgbench_home, add_spec, tmp_path) -> None:
    add_spec()
    with pytest.raises(DataError, match=r"no ptbxl_database\.csv"):
        prepare("toy", tmp_path)
    with pytest.raises(DataError, match="There is no folder"):
        prepare("toy", tmp_path / "nowhere")


def test_codes_that_no_statement_explains_are_refused(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    file = toy_folder / "ptbxl_database.csv"
    file.write_text(file.read_text().replace("'PVC'", "'PVX'"))
    with pytest.raises(DataError, match="PVX"):
        prepare("toy", toy_folder)


def test_records_of_both_rates(ecgbench_home, add_spec, tmp_path) -> None:
    add_spec()
    folder = write_ptbxl(tmp_path / "both", records=4)
    write_ptbxl(folder, records=4, rate=500)
    best = prepare("toy", folder, workers=1).store
    assert (best.rate, best.shape, best.manifest["source"]["signals"]) == (
        500, (4, 12, 5000), "records500",
    )  # fmt: skip
    time.sleep(0.01)
    chosen = prepare("toy", folder, workers=1, rate=100).store
    assert (chosen.rate, chosen.manifest["source"]["signals"]) == (100, "records100")
    assert open_dataset("toy").store.path == chosen.path  # the newest
    with pytest.raises(DataError, match="no records250"):
        prepare("toy", folder, rate=250)


def test_a_damaged_store_is_found(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    store = prepare("toy", toy_folder, workers=1).store
    verify("toy")
    with (store.path / "signals.bin").open("r+b") as file:
        file.write(b"xy")
    with pytest.raises(DataError, match=r"signals\.bin .* damaged"):
        verify("toy")
    (store.path / "scale.npy").unlink()
    with pytest.raises(DataError, match=r"scale\.npy .* missing or damaged"):
        open_dataset("toy")


def test_a_manifest_that_was_edited_is_found(ecgbench_home, add_spec, toy_folder) -> None:
    add_spec()
    file = prepare("toy", toy_folder, workers=1).store.path / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["leads"].reverse()
    file.write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="does not belong"):
        verify("toy")


@pytest.mark.parametrize("change", ["signal", "label", "split", "patient", "nothing"])
def test_the_fingerprint_follows_the_content(ecgbench_home, add_spec, toy_folder, change) -> None:
    add_spec()
    before = prepare("toy", toy_folder, workers=1).fingerprint
    file = toy_folder / "ptbxl_database.csv"
    text = file.read_text()
    line = next(line for line in text.splitlines() if line.startswith("7,"))
    if change == "signal":
        spoil(toy_folder, 7)
    changed = {
        "label": line.replace("'PVC'", "'SR'"),
        "split": line.replace(",5,records", ",6,records"),
        "patient": line.replace("7,4.0", "7,3.0"),
    }.get(change, line)
    assert (changed == line) == (change in ("signal", "nothing"))
    file.write_text(text.replace(line, changed))
    after = prepare("toy", toy_folder, workers=1).fingerprint
    assert (after == before) == (change == "nothing")


def test_a_read_only_home_is_one_clear_line(tmp_path, monkeypatch, add_spec, toy_folder) -> None:
    add_spec()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ECGBENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(EcgbenchError, match="Cannot write"):
        prepare("toy", toy_folder)


def test_a_full_disk_is_one_clear_line_and_the_run_goes_on_afterwards(
    ecgbench_home, add_spec, toy_folder, monkeypatch
) -> None:
    add_spec()

    def full(target, content) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(chunks, "atomic_write", full)
        with pytest.raises(EcgbenchError, match="No space left on device") as caught:
            prepare("toy", toy_folder, workers=1)
    assert "ECGBENCH_HOME" in str(caught.value.hint)
    with pytest.raises(DataError, match="no prepared data"):
        open_dataset("toy")
    assert len(prepare("toy", toy_folder, workers=1).store) == 20


@given(st.floats(1e-3, 50), st.one_of(st.none(), st.floats(10, 5000)), st.integers(0, 999))
def test_quantising_loses_half_a_count_at_most(amplitude, gain, seed) -> None:
    signals = np.random.default_rng(seed).normal(0, amplitude, (3, 50))
    gains = None if gain is None else np.full(3, gain)
    counts, scale = quantise(signals, gains)
    error = np.abs(counts * scale[:, None].astype(np.float64) - signals)
    assert (error <= scale[:, None] * 0.5 + np.abs(signals) * 1e-6).all()
    assert np.abs(counts.astype(int)).max() <= 32767


def test_mini_from_ptbxl_is_mini_as_shared(ecgbench_home, shared_data, tmp_path, add_spec) -> None:
    """The processing of the catalogue reproduces the processed records from the original ones."""
    ids = (9, 6005, 19293)
    ready, raw = shared_data / "ptbxl-mini", tmp_path / "ptbxl"
    database = pd.read_csv(ready / "ptbxl_database.csv", dtype=str, keep_default_na=False)
    raw.mkdir()
    shutil.copy(ready / "scp_statements.csv", raw)
    database.to_csv(raw / "ptbxl_database.csv", index=False)
    for number in ids:
        path = f"records500/{number // 1000 * 1000:05d}/{number:05d}_hr"
        (raw / path).parent.mkdir(parents=True)
        for suffix in (".hea", ".dat"):
            shutil.copy(shared_data / "ptbxl-raw" / (path + suffix), raw / (path + suffix))
    made = prepare("ptbxl-mini", raw, workers=1)
    assert list(made.records.index) == [str(number) for number in ids]
    assert made.store.manifest["quarantined"] == {"cannot read": 1819 - len(ids)}
    assert made.store.rate == 100
    for row, number in enumerate(ids):
        file = ready / f"records100/{number // 1000 * 1000:05d}/{number:05d}_lr"
        difference = made.store.read([row])[0] - read_recording(file).signals
        assert np.abs(difference).max() < 1e-3


def test_mini_as_shared(ecgbench_home, shared_data) -> None:
    dataset = prepare("ptbxl-mini", shared_data / "ptbxl-mini")
    assert dataset.store.manifest["quarantined"] == {}
    counts = {split: len(dataset.rows(split)) for split in ("train", "val", "test")}
    assert counts == {"train": 1442, "val": 183, "test": 194}
    sub, everything = dataset.labels("sub", "test"), dataset.labels("all", "test")
    assert (len(sub.classes), int(sub.values.any(axis=0).sum())) == (23, 20)
    assert int((sub.values.sum(axis=0) >= 5).sum()) == 14
    assert (len(everything.classes), int(everything.values.any(axis=0).sum())) == (71, 53)
    assert int((everything.values.sum(axis=0) >= 5).sum()) == 20
    assert (dataset.records["report"] != "").sum() == 815
    file = shared_data / "ptbxl-mini/records100/00000/00009_lr"
    np.testing.assert_allclose(dataset.store.read([0])[0], read_recording(file).signals, rtol=2e-7)
