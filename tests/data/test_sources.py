"""A store is named by the content of its source, never by sizes and times; an edited entry is noticed."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgbench.base.errors import DataError
from ecgbench.cli.app import app
from ecgbench.data import chunks, sources
from ecgbench.data import prepare as module
from ecgbench.data.opening import open_dataset, prepare, verify

from .conftest import TOY, ecg_like, own_entry, write_record

LABELS = {"labels": {"dx": {"column": "dx"}}}
ROWS = "record_id,path,dx,age\na,a.npy,SR;AFIB,40\nb,b.npy,AFIB,41\nc,w,SR,42\n"


@pytest.fixture
def folder(tmp_path, ecgbench_home, add_spec):
    root = tmp_path / "own"
    rng = np.random.default_rng(0)
    write_record(root, "w", ecg_like(rng, 1000, 100))
    for name in "ab":
        np.save(root / f"{name}.npy", ecg_like(rng, 1000, 100).T)
    (root / "records.csv").write_text(ROWS)
    add_spec(own_entry(label_sets=["dx"], options=LABELS))
    return root


def rewrite(file, change) -> None:
    """Change a file's bytes and keep its size and times."""
    before = file.stat()
    data = bytearray(file.read_bytes())
    change(data)
    assert len(data) == before.st_size
    file.write_bytes(bytes(data))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_arrays_rewritten_at_the_same_size_make_a_new_store(folder) -> None:
    before = prepare("own", folder, workers=1)
    assert verify("own")[1]
    for name in "ab":
        file = folder / f"{name}.npy"
        stat = file.stat()
        np.save(file, np.load(file) * 2)
        assert file.stat().st_size == stat.st_size
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(DataError, match="are not those that the store of own was made from"):
        verify("own")
    after = prepare("own", folder, workers=1)
    np.testing.assert_allclose(after.store.read([0])[0], 2 * before.store.read([0])[0], rtol=1e-3)
    assert after.fingerprint != before.fingerprint
    assert verify("own")[1]


@pytest.mark.parametrize("name", ["w.dat", "w.hea", "a.npy", "records.csv"])
def test_one_changed_byte_of_any_file_is_noticed(folder, name) -> None:
    prepare("own", folder, workers=1)

    def change(data: bytearray) -> None:
        if name == "w.hea":
            data[:] = data.replace(b"100 1000", b"100 0999")
        elif name == "records.csv":
            data[:] = data.replace(b"40", b"50")
        else:
            data[-1] ^= 1

    rewrite(folder / name, change)
    with pytest.raises(DataError, match="are not those"):
        verify("own")


def test_a_folder_that_moved_is_the_same_source(folder, tmp_path, monkeypatch) -> None:
    before = prepare("own", folder, workers=1).store
    moved = shutil.copytree(folder, tmp_path / "moved")
    monkeypatch.setattr(module, "for_each", None)  # nothing is read
    assert prepare("own", moved, workers=1).store.path == before.path
    shutil.rmtree(folder)
    assert not verify("own")[1]  # the store alone was compared


def test_edited_labels_make_a_new_store_without_reading_signals(
    folder, add_spec, monkeypatch
) -> None:
    (folder / "b.npy").write_bytes(b"broken")
    before = prepare("own", folder, workers=1)
    add_spec(
        own_entry(label_sets=["dx"], options={"labels": {"dx": {"column": "dx", "separator": "|"}}})
    )
    with pytest.raises(DataError, match=r"is out of date \(changed: options\)"):
        open_dataset("own")
    shown = CliRunner().invoke(app, ["data", "info", "own"]).output
    assert "is out of date (changed: options)" in " ".join(shown.split())
    monkeypatch.setattr(chunks, "take", None)  # would fail
    after = prepare("own", folder, workers=1)
    assert before.labels("dx").classes == ("AFIB", "SR")
    assert after.labels("dx").classes == ("AFIB", "SR", "SR;AFIB")
    assert open_dataset("own").fingerprint == after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.store.signals, before.store.signals)
    assert after.store.manifest["quarantined"] == before.store.manifest["quarantined"]
    (folder / "records.csv").write_text(ROWS.replace("SR,42", "VT,42"))
    assert prepare("own", folder, workers=1).labels("dx").classes == ("AFIB", "SR;AFIB", "VT")
    verify("own")


def test_edited_signals_are_read_again(folder, add_spec) -> None:
    before = prepare("own", folder, workers=1)
    add_spec(own_entry(label_sets=["dx"], options=LABELS, seconds=8))
    assert prepare("own", folder, workers=1).store.shape[2] == 800 != before.store.shape[2]
    (folder / "records.csv").write_text(ROWS.replace("a,a.npy", "a,b.npy"))
    moved = prepare("own", folder, workers=1).store
    np.testing.assert_array_equal(moved.read([0]), moved.read([1]))


def test_an_entry_back_as_it_was_finds_its_store(folder, add_spec, monkeypatch) -> None:
    before = prepare("own", folder, workers=1).store
    add_spec(own_entry(label_sets=["dx"], options=LABELS, seconds=8))
    prepare("own", folder, workers=1)
    add_spec(own_entry(label_sets=["dx"], options=LABELS, title="A better title"))
    assert open_dataset("own").store.path == before.path


def test_other_code_makes_a_new_store(folder, monkeypatch) -> None:
    first = prepare("own", folder, workers=1).store.manifest["source"]
    monkeypatch.setattr(sources, "reading_code", lambda: "other")
    second = prepare("own", folder, workers=1).store.manifest["source"]
    assert first["key"] != second["key"]
    assert first["signals_key"] != second["signals_key"]


def test_labels_beside_the_entry_are_part_of_it(ecgbench_home, add_spec, tmp_path) -> None:
    folder = tmp_path / "dx"
    write_record(
        folder, "a", ecg_like(np.random.default_rng(0), 1000, 100), comments=["Dx: 1, 010"]
    )
    labels = tmp_path / "catalogue" / "l.yaml"
    text = own_entry(layout="wfdb-dx", label_sets=["s"], labels="l.yaml")
    labels.write_text("s: {NO: ['1'], Y: [010]}\n")
    add_spec(text)
    made = prepare("own", folder, workers=1)
    assert made.labels("s").classes == ("NO", "Y")  # not False, not the octal 8
    assert made.labels("s").values.tolist() == [[1, 1]]
    labels.write_text("s: {NO: ['2'], Y: [010]}\n")
    with pytest.raises(DataError, match=r"is out of date \(changed: files\)"):
        open_dataset("own")
    assert prepare("own", folder, workers=1).labels("s").values.tolist() == [[0, 1]]


def test_records_without_a_row_in_the_reference_are_counted(
    ecgbench_home, add_spec, tmp_path
) -> None:
    folder = tmp_path / "ref"
    for number, name in enumerate("ab"):
        signals = ecg_like(np.random.default_rng(number), 1000, 100)
        write_record(folder, name, signals, comments=["Dx: 1"])
    table = "Recording,First_label,Second_label,Third_label\na,1.0,,\n"
    (folder / "REFERENCE.csv").write_text(table)
    (tmp_path / "catalogue/l.yaml").write_text("s: {X: ['1']}\n")
    add_spec(own_entry(layout="wfdb-dx", label_sets=["s"], labels="l.yaml"))
    made = prepare("own", folder, workers=1)
    assert made.labels("s").record_ids.tolist() == ["a"]
    assert made.store.manifest["doubtful"] == {"no label": 1}


def test_the_list_of_a_subset_is_part_of_the_entry(
    ecgbench_home, add_spec, tmp_path, toy_folder
) -> None:
    listed = tmp_path / "catalogue/some.csv"
    listed.write_text("record_id\n1\n2\n")
    add_spec(TOY + "subset: some.csv\n")
    assert len(prepare("toy", toy_folder, workers=1).store) == 2
    listed.write_text("record_id\n1\n2\n3\n")
    with pytest.raises(DataError, match=r"out of date \(changed: files\)"):
        open_dataset("toy")
    assert len(prepare("toy", toy_folder, workers=1).store) == 3


def test_segments_of_a_record_are_part_of_its_content(tmp_path) -> None:
    write_record(tmp_path, "s1", ecg_like(np.random.default_rng(0), 500, 100))
    (tmp_path / "m.hea").write_text("m/2 12 100 1000\ns1 500\ns1 500\n")
    names = [name for name, _ in sources._files_of(tmp_path, "m")]
    assert names == ["m.hea", "s1.hea", "s1.dat"]
