from __future__ import annotations

import numpy as np
import pytest

from ecgbench.base.errors import DataError
from ecgbench.data.reading import recording
from ecgbench.data.reading.headers import parse_header
from ecgbench.data.reading.recording import read_recording, read_with_wfdb

from .conftest import ecg_like, write_record


def assert_same(fast: recording.Recording, slow: recording.Recording) -> None:
    np.testing.assert_array_equal(fast.signals, slow.signals)  # NaN equals NaN here
    np.testing.assert_array_equal(fast.gains, slow.gains)
    assert (fast.leads, fast.rate, fast.units) == (slow.leads, slow.rate, slow.units)
    assert fast.comments == slow.comments


@pytest.mark.parametrize(
    "pattern",
    [
        "ptbxl-raw/records500/*/*.hea",
        "ptbxl-mini/records100/0[0-3]*/*.hea",
        "cpsc2018/*.hea",
        "csn/*.hea",
    ],
)
def test_fast_reading_equals_wfdb_on_real_records(shared_data, pattern) -> None:
    headers = sorted(shared_data.glob(pattern))[:40]
    assert headers
    for header in headers:
        record = header.with_suffix("")
        text = header.read_text()
        assert parse_header(text) is not None, header.name  # or the fast way is not what is tested
        assert_same(read_recording(record), read_with_wfdb(record))


@pytest.mark.parametrize(
    "changes",
    [
        {"baseline": [100] * 12},
        {"adc_gain": [204.8] * 12},
        {"units": ["uV"] * 12, "adc_gain": [1.0] * 12},
        {"comments": ["Age: 74", "Dx: 426783006"]},
    ],
)
def test_fast_reading_equals_wfdb_on_odd_headers(tmp_path, changes) -> None:
    rng = np.random.default_rng(0)
    write_record(tmp_path, "a/r1", ecg_like(rng, 300, 100), **changes)
    assert parse_header((tmp_path / "a/r1.hea").read_text()) is not None
    assert_same(read_recording(tmp_path / "a/r1"), read_with_wfdb(tmp_path / "a/r1"))


def test_missing_samples_are_nan(tmp_path) -> None:
    signals = ecg_like(np.random.default_rng(0), 300, 100)
    signals[10:20, 3] = np.nan
    write_record(tmp_path, "r1", signals)
    fast = read_recording(tmp_path / "r1")
    assert np.isnan(fast.signals[3]).sum() == 10
    assert_same(fast, read_with_wfdb(tmp_path / "r1"))


def test_other_formats_are_left_to_wfdb(tmp_path) -> None:
    signals = ecg_like(np.random.default_rng(0), 300, 100)
    write_record(tmp_path, "r1", signals, fmt=["212"] * 12, adc_gain=[500.0] * 12)
    assert parse_header((tmp_path / "r1.hea").read_text()) is None
    read = read_recording(tmp_path / "r1")
    np.testing.assert_allclose(read.signals, signals.T, atol=0.0011)


def test_leads_are_named_in_the_usual_spelling(tmp_path) -> None:
    write_record(tmp_path, "r1", ecg_like(np.random.default_rng(0), 300, 100))
    assert read_recording(tmp_path / "r1").leads[3:6] == ("aVR", "aVL", "aVF")


def test_a_torn_file_is_refused(tmp_path) -> None:
    write_record(tmp_path, "r1", ecg_like(np.random.default_rng(0), 300, 100))
    data = (tmp_path / "r1.dat").read_bytes()
    (tmp_path / "r1.dat").write_bytes(data[:-100])
    with pytest.raises(DataError, match=r"torn: r1.dat has 3550 of 3600 samples"):
        read_recording(tmp_path / "r1")


@pytest.mark.parametrize("content", ["", "nonsense\n", "r1 12 100\n"])
def test_a_broken_header_is_refused(tmp_path, content) -> None:
    (tmp_path / "r1.hea").write_text(content)
    with pytest.raises(DataError, match="cannot read"):
        read_recording(tmp_path / "r1")


def test_a_missing_file_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_recording(tmp_path / "r1")
