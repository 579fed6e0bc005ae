"""Records in the shape of ones that people had: each is read rightly, quarantined or counted."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from scipy.io import savemat

from ecgbench.base.errors import DataError
from ecgbench.data.intake import Intake, take
from ecgbench.data.leads import LEADS, canonical_lead

from .conftest import FILE_LEADS, ecg_like, write_record

INTAKE = Intake(
    leads=LEADS, rate=100, stored_rate=100, seconds=10, min_seconds=5, units="mV",
    processing=None, derive_limb_leads=False,
)  # fmt: skip
ROUND = 0.00051  # half a count at 1,000 counts per mV


@pytest.fixture
def signals() -> np.ndarray:
    return ecg_like(np.random.default_rng(0), 1000, 100)


def header_of(folder: Path, edit) -> None:
    """Rewrite the header of ``r``: ``edit`` gives each signal line's fields anew."""
    file = folder / "r.hea"
    first, *lines = file.read_text().splitlines()
    edited = [edit(line.split(), row) for row, line in enumerate(lines)]
    file.write_text("\n".join([first, *edited]) + "\n")


def reason(record: Path, intake: Intake = INTAKE) -> str:
    with pytest.raises(DataError) as caught:
        take(intake, record)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_good_record_has_no_doubt(tmp_path, signals) -> None:
    write_record(tmp_path, "r", signals)
    taken = take(INTAKE, tmp_path / "r")
    assert (taken.doubts, taken.cut, taken.resampled_from, taken.derived) == ((), False, None, ())
    np.testing.assert_allclose(taken.signals, signals.T, atol=ROUND)


def test_a_header_without_lead_names_is_quarantined(tmp_path, signals) -> None:
    write_record(tmp_path, "r", signals)
    header_of(tmp_path, lambda fields, row: " ".join(fields[:8]))
    assert reason(tmp_path / "r").startswith("no lead name")


def test_a_header_without_gains_is_quarantined(tmp_path, signals) -> None:
    write_record(tmp_path, "r", signals)
    header_of(tmp_path, lambda fields, row: f"{fields[0]} {fields[1]}   {fields[8]}")
    assert reason(tmp_path / "r").startswith("uncalibrated: no gain")


@pytest.mark.parametrize("gain", ["0", "0/mV", "0(0)/mV", "-1000/mV", "-1000(0)/mV", "nan/mV"])
def test_gains_that_cannot_be_are_quarantined(tmp_path, signals, gain) -> None:
    write_record(tmp_path, "r", signals)
    header_of(tmp_path, lambda fields, row: " ".join([*fields[:2], gain, *fields[3:]]))
    assert reason(tmp_path / "r").startswith(("uncalibrated", "cannot read"))


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("uV", 1000), ("µV", 1000), ("μV", 1000), ("microvolt", 1000), ("Microvolts", 1000),
        ("V", 0.001), ("mV", 1), ("MILLIVOLT", 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("other_shape", [False, True])
def test_units_by_every_usual_name(tmp_path, signals, unit, factor, encoding, other_shape) -> None:
    gain = 1000 / factor
    write_record(tmp_path, "r", signals * factor, adc_gain=[gain] * 12, units=["x"] * 12)
    text = (tmp_path / "r.hea").read_text().replace("/x", f"/{unit}")
    if other_shape:  # a frame of one sample, which is left to wfdb
        text = text.replace(" 16 ", " 16x1 ", 1)
    try:
        (tmp_path / "r.hea").write_bytes(text.encode(encoding))
    except UnicodeEncodeError:
        pytest.skip("Latin-1 has no Greek letters")
    np.testing.assert_allclose(take(INTAKE, tmp_path / "r").signals, signals.T, atol=ROUND)


def test_a_unit_of_something_else_is_quarantined(tmp_path, signals) -> None:
    write_record(tmp_path, "r", signals, units=["mmHg"] * 12)
    assert reason(tmp_path / "r") == "other unit: mmHg, not mV"
    named = replace(INTAKE, unit_names={"MMHG": "mV"})
    np.testing.assert_allclose(take(named, tmp_path / "r").signals, signals.T, atol=ROUND)


@pytest.mark.parametrize(
    ("names", "lead"),
    [
        (("DI", "D1", "d1", "Lead I", "LEAD_I", "MDC_ECG_LEAD_I", " i ", "Ｉ"), "I"),
        (("DII", "D2", "lead ii", "MDC_ECG_LEAD_II"), "II"),
        (("AVR", "avr", "Lead aVR", "MDC_ECG_LEAD_AVR", "MDC_ECG_LEAD_aVR"), "aVR"),
        (("v1", "Lead V1", "MDC_ECG_LEAD_V1"), "V1"),
        (("-aVR",), "-aVR"),
        (("MLII",), "MLII"),
        (("vx",), "vx"),
    ],
)
def test_leads_by_every_usual_name(names, lead) -> None:
    assert {canonical_lead(name) for name in names} == {lead}


def test_names_of_leads_are_a_key_of_the_entry(tmp_path, signals) -> None:
    names = ["x1", *FILE_LEADS[1:5], "FOOT", *FILE_LEADS[6:]]
    write_record(tmp_path, "r", signals, sig_name=names)
    assert reason(tmp_path / "r") == "lacks a lead: I aVF"
    named = replace(INTAKE, lead_names={"X1": "I", "foot": "aVF"})
    np.testing.assert_allclose(take(named, tmp_path / "r").signals, signals.T, atol=ROUND)
    swapped = replace(INTAKE, lead_names={"x1": "I", "foot": "aVL", "aVL": "aVF"})
    turned = take(swapped, tmp_path / "r").signals
    np.testing.assert_allclose(turned[[5, 4]], signals.T[[4, 5]], atol=ROUND)


@pytest.mark.parametrize("content", ["same", "other"])
def test_a_lead_that_stands_there_twice_is_quarantined(tmp_path, signals, content) -> None:
    extra = signals[:, [1]] + (0.5 if content == "other" else 0.0)
    both = np.hstack([signals, extra])
    write_record(tmp_path, "r", both, sig_name=[*FILE_LEADS, "Lead II"])
    assert reason(tmp_path / "r") == "ambiguous: II stands in the file twice"
    write_record(tmp_path, "s", both, sig_name=[*FILE_LEADS, "vx"])
    np.testing.assert_allclose(take(INTAKE, tmp_path / "s").signals, signals.T, atol=ROUND)


@pytest.mark.parametrize("other_shape", [False, True])
def test_a_checksum_or_an_initial_value_that_does_not_fit_is_counted(
    tmp_path, signals, other_shape
) -> None:
    fmt = "16x1" if other_shape else "16"
    for place, value, doubt in ((6, "12345", "checksum: V1"), (5, "777", "initial value: V1")):
        write_record(tmp_path, "r", signals)

        def edit(fields: list[str], row: int, place=place, value=value) -> str:
            changed = [*fields[:place], value, *fields[place + 1 :]] if row == 6 else fields
            return " ".join([changed[0], fmt, *changed[2:]])

        header_of(tmp_path, edit)
        assert take(INTAKE, tmp_path / "r").doubts == (doubt,)
    header_of(tmp_path, lambda f, row: " ".join([*f[:5], "0", "0", *f[7:]]))  # not filled in
    assert take(INTAKE, tmp_path / "r").doubts == ()


def test_a_checksum_counts_all_of_its_16_bits(tmp_path, signals) -> None:
    write_record(tmp_path, "r", signals)

    def edit(fields: list[str], row: int) -> str:
        return " ".join([*fields[:6], str(int(fields[6]) + 256 * (row == 6)), *fields[7:]])

    header_of(tmp_path, edit)
    assert take(INTAKE, tmp_path / "r").doubts == ("checksum: V1",)


def test_each_lead_has_its_own_unit(tmp_path, signals) -> None:
    factors = np.where(np.arange(12) % 2, 1000.0, 1.0)
    units = ["uV" if factor == 1000 else "mV" for factor in factors]
    gains = list(1000 / factors)
    write_record(tmp_path, "r", signals * factors, units=units, adc_gain=gains)
    np.testing.assert_allclose(take(INTAKE, tmp_path / "r").signals, signals.T, atol=ROUND)


def test_several_samples_a_frame_are_samples_of_a_higher_rate(tmp_path, signals) -> None:
    frames = [signals[:, lead] for lead in range(12)]
    wfdb.wrsamp(
        "r", fs=50, units=["mV"] * 12, sig_name=FILE_LEADS, e_p_signal=frames,
        samps_per_frame=[2] * 12, fmt=["16"] * 12, adc_gain=[1000.0] * 12, baseline=[0] * 12,
        write_dir=str(tmp_path),
    )  # fmt: skip
    taken = take(INTAKE, tmp_path / "r")
    assert taken.resampled_from is None
    np.testing.assert_allclose(taken.signals, signals.T, atol=ROUND)


def test_leads_of_several_rates_in_one_record_are_quarantined(tmp_path, signals) -> None:
    frames = [signals[:, lead] for lead in range(11)] + [signals[::2, 11]]
    wfdb.wrsamp(
        "r", fs=50, units=["mV"] * 12, sig_name=FILE_LEADS, e_p_signal=frames,
        samps_per_frame=[2] * 11 + [1], fmt=["16"] * 12, adc_gain=[1000.0] * 12,
        baseline=[0] * 12, write_dir=str(tmp_path),
    )  # fmt: skip
    assert reason(tmp_path / "r").startswith("several rates in one record")


def as_mat(folder: Path, data: bytes, skip: int) -> None:
    (folder / "r.mat").write_bytes(data)
    header_of(folder, lambda f, row: " ".join(["r.mat", f"16+{skip}", *f[2:]]))


def test_matlab_files_are_read_only_where_the_header_fits(tmp_path, signals) -> None:
    write_record(tmp_path, "r", signals)
    data = (tmp_path / "r.dat").read_bytes()
    head = struct.pack("<5i", 30, 12, 1000, 0, 4) + b"val\0"
    as_mat(tmp_path, head + data, 24)  # MATLAB 4, as the Challenges have it
    np.testing.assert_allclose(take(INTAKE, tmp_path / "r").signals, signals.T, atol=ROUND)
    as_mat(tmp_path, struct.pack("<5i", 0, 12, 1000, 0, 4) + b"val\0" + data, 24)  # doubles
    assert reason(tmp_path / "r").startswith("other format: r.mat is no MATLAB 4 matrix")
    as_mat(tmp_path, head + data + bytes(24), 0)  # the header forgets the 24 bytes
    assert reason(tmp_path / "r").startswith("other format: r.mat is no MATLAB 4 matrix")
    savemat(tmp_path / "five.mat", {"val": np.frombuffer(data, "<i2").reshape(1000, 12)})
    as_mat(tmp_path, (tmp_path / "five.mat").read_bytes(), 24)
    assert reason(tmp_path / "r").startswith("other format: r.mat is a MATLAB 5 file")


def test_a_file_longer_than_its_header_says_is_counted(tmp_path, signals) -> None:
    write_record(tmp_path, "r", signals)
    file = tmp_path / "r.hea"
    file.write_text(file.read_text().replace(" 100 1000", " 100 900"))
    doubts = take(INTAKE, tmp_path / "r").doubts
    assert any(doubt.startswith("longer than the header says") for doubt in doubts)


def test_a_header_that_asks_for_too_much_memory_is_quarantined(tmp_path, signals) -> None:
    write_record(tmp_path, "r", signals)
    file = tmp_path / "r.hea"
    text = file.read_text()
    for wrong in (text, text.replace(" 16 ", " 16x1 ", 1)):
        file.write_text(wrong.replace(" 100 1000", " 100 100000000000"))
        assert reason(tmp_path / "r").startswith("torn")


@pytest.mark.parametrize("rows", [8, 12])
def test_arrays_of_eight_or_twelve_leads(tmp_path, signals, rows) -> None:
    kept = [0, 1, 6, 7, 8, 9, 10, 11] if rows == 8 else range(12)
    np.save(tmp_path / "a.npy", signals.T[list(kept)])
    taken = take(replace(INTAKE, derive_limb_leads=True), tmp_path / "a.npy")
    assert taken.derived == (("III", "aVR", "aVL", "aVF") if rows == 8 else ())
    np.testing.assert_allclose(taken.signals, signals.T, atol=1e-12)
    if rows == 8:
        assert reason(tmp_path / "a.npy").startswith("lacks a lead: a.npy is (8, 1000)")


def test_arrays_that_hold_no_leads_are_quarantined(tmp_path, signals) -> None:
    file = tmp_path / "a.npy"
    np.save(file, signals)
    assert reason(file).endswith("is it [samples, leads]?")
    for wrong in (signals.T + 0j, signals.T > 0, signals.T.astype(str), np.array(3.0)):
        np.save(file, wrong)
        assert reason(file).startswith(("cannot read", "lacks a lead"))
    np.save(file, signals.T)
    file.write_bytes(file.read_bytes()[:-8])
    assert reason(file).startswith("cannot read")


@pytest.mark.parametrize("rate", [257, 257.3, 360, 500, 1000])
def test_another_rate_is_resampled(tmp_path, rate) -> None:
    samples = round(10 * rate)
    time = np.arange(samples) / rate
    waves = np.sin(2 * np.pi * 1.5 * time[:, None] + np.arange(12)) * 0.8
    write_record(tmp_path, "r", waves, fs=rate)
    taken = take(INTAKE, tmp_path / "r")
    assert taken.resampled_from == pytest.approx(rate)
    there = np.arange(taken.signals.shape[1]) / 100
    expected = np.sin(2 * np.pi * 1.5 * there + np.arange(12)[:, None]) * 0.8
    assert taken.signals.shape[1] in (999, 1000)
    middle = slice(50, 950)
    np.testing.assert_allclose(taken.signals[:, middle], expected[:, middle], atol=0.005)


@pytest.mark.parametrize("rate", [1, 5, 1e6])
def test_a_rate_that_no_ecg_has_is_quarantined(tmp_path, signals, rate) -> None:
    write_record(tmp_path, "r", signals, fs=rate)
    assert reason(tmp_path / "r").startswith("other rate")
