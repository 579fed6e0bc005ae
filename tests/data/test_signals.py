from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import welch

from ecgbench.base.errors import DataError
from ecgbench.data.leads import LEADS
from ecgbench.data.opening import prepare
from ecgbench.data.reading.recording import read_recording
from ecgbench.data.signals import SignalSpec, adapt, adapt_record, scale_record, valid_lengths

from .conftest import ecg_like, write_record

ALL = list(range(12))
PLAIN = SignalSpec(bandpass=None, scaling="none")


@pytest.fixture
def toy(ecgbench_home, add_spec, toy_folder):
    add_spec()
    short = ecg_like(np.random.default_rng(5), 600, 100)
    write_record(toy_folder, "records100/00000/00003_lr", short)
    return prepare("toy", toy_folder, workers=1)


@dataclass(frozen=True)
class AddNoise:
    amount: float
    name: str = "noise"
    seen: list[tuple[int, ...]] = field(default_factory=list, compare=False)

    @property
    def params(self) -> dict[str, float]:
        return {"amount": self.amount}

    def __call__(self, signals, rate, rng):
        self.seen.append(signals.shape)
        return (signals + self.amount * rng.normal(size=signals.shape)).astype(np.float32)


def test_without_wishes_the_stored_signal_comes_back(toy) -> None:
    made = adapt(toy, PLAIN, workers=1)
    assert made.dtype == np.float16
    np.testing.assert_allclose(made, toy.store.read(slice(None)), rtol=1e-3, atol=1e-4)


def test_leads_are_chosen_by_name(toy) -> None:
    made = adapt(toy, PLAIN.model_copy(update={"leads": ("V6", "I")}), workers=1)
    expected = toy.store.read(slice(None))[:, [11, 0]]
    np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-4)
    with pytest.raises(DataError, match="Lead V9"):
        adapt(toy, PLAIN.model_copy(update={"leads": ("V9",)}), workers=1)


def test_padding_is_zero_and_takes_no_part_in_scaling(toy) -> None:
    spec = SignalSpec(scaling="zscore-record")
    made = adapt(toy, spec, workers=1).astype(np.float64)
    assert valid_lengths(toy, spec).tolist() == [1000, 1000, 600, *[1000] * 17]
    assert not made[2, :, 600:].any()
    recorded = made[2, :, :600]
    assert abs(recorded.mean()) < 1e-3
    assert abs(recorded.std() - 1) < 1e-3
    alone = adapt_record(toy.store.read([2])[0, :, :600], 100, spec, ALL)
    np.testing.assert_allclose(made[2], alone, atol=0.01)


def test_resampling_follows_the_signal() -> None:
    time500, time100 = np.arange(5000) / 500, np.arange(1000) / 100

    def wave(time: np.ndarray) -> np.ndarray:
        return (0.4 + np.sin(2 * np.pi * 3 * time) + 0.5 * np.sin(2 * np.pi * 11 * time))[None]

    made = adapt_record(wave(time500).astype(np.float32), 500, PLAIN, [0])
    np.testing.assert_allclose(made[:, 5:-5], wave(time100)[:, 5:-5], atol=0.01)
    np.testing.assert_allclose(made, wave(time100), atol=0.06)  # the ends do not ring
    up = SignalSpec(rate=500, bandpass=None, scaling="none")
    made = adapt_record(wave(time100).astype(np.float32), 100, up, [0])
    np.testing.assert_allclose(made[:, 50:-50], wave(time500)[:, 50:-50], atol=0.02)


def test_the_band_pass_stops_what_it_should() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(1, 250 * 60)).astype(np.float32)
    spec = SignalSpec(rate=250, seconds=60, scaling="none")
    made = adapt_record(noise, 250, spec, [0])[0]
    frequency, power = welch(made, fs=250, nperseg=2500)
    inside = power[(frequency > 2) & (frequency < 35)].mean()
    assert power[frequency < 0.25].mean() < 1e-2 * inside
    assert power[frequency > 55].mean() < 1e-3 * inside
    spike = np.zeros((1, 15000), dtype=np.float32)
    spike[0, 7500] = 1
    moved = adapt_record(spike, 250, spec, [0])[0]
    assert int(np.argmax(np.abs(moved))) == 7500  # forwards and backwards: nothing is delayed


def hum(rate: float, seconds: float) -> np.ndarray:
    """Beats in three leads, 50 Hz hum, a drifting baseline: float32 [3, samples]."""
    time = np.arange(round(rate * seconds)) / rate
    beats = np.exp(-((((time * 1.2) % 1) - 0.5) ** 2) * 400)
    wander = 0.3 * np.sin(2 * np.pi * 0.1 * time)
    line = 0.2 * np.sin(2 * np.pi * 50 * time)
    return np.stack([k * beats + wander + line for k in (1.0, -0.5, 2.0)]).astype(np.float32)


def test_the_notch_is_scipys() -> None:
    from scipy.signal import filtfilt, iirnotch

    signals = hum(500, 10)
    made = adapt_record(
        signals, 500, PLAIN.model_copy(update={"rate": 500, "notch": 50.0}), [0, 1, 2]
    )
    wanted = filtfilt(*iirnotch(50, 30, fs=500), signals.astype(np.float64), axis=1)
    np.testing.assert_allclose(made, wanted, atol=1e-6)
    power = [welch(x[0], fs=500, nperseg=1000)[1][100] for x in (signals, made)]  # at 50 Hz
    assert power[1] < 1e-3 * power[0]


def test_the_running_median_is_scipys() -> None:
    from scipy.signal import medfilt

    signals = hum(500, 10)
    wish = PLAIN.model_copy(update={"rate": 500, "baseline": 0.4})
    made = adapt_record(signals, 500, wish, [0, 1, 2])
    baseline = np.stack([medfilt(lead.astype(np.float64), 201) for lead in signals])
    np.testing.assert_allclose(made, signals - baseline, atol=1e-6)


def test_filters_follow_each_other_as_ecgfounder_has_them() -> None:
    """Notch, band-pass, running median; the band-pass alone differs from the authors', at its ends."""
    from scipy.signal import butter, filtfilt, iirnotch, medfilt

    signals = hum(500, 10).astype(np.float64)
    theirs = filtfilt(*iirnotch(50, 30, fs=500), signals, axis=1)
    theirs = filtfilt(*butter(4, [0.67, 40], btype="bandpass", fs=500), theirs, axis=1)
    theirs = theirs - np.stack([medfilt(lead, 201) for lead in theirs])
    wish = SignalSpec(rate=500, notch=50, bandpass=(0.67, 40), baseline=0.4, scaling="none")
    made = adapt_record(signals.astype(np.float32), 500, wish, [0, 1, 2])
    np.testing.assert_allclose(made[:, 1000:4000], theirs[:, 1000:4000], atol=2e-3)


def test_short_records_pass_every_filter() -> None:
    wish = SignalSpec(rate=500, notch=50, baseline=0.4, scaling="minmax-lead")
    for samples in (1, 2, 9, 150):
        made = adapt_record(hum(500, 1)[:, :samples], 500, wish, [0, 1, 2])
        assert np.isfinite(made).all()


def test_a_filter_that_is_not_used_changes_no_address() -> None:
    """Adapted signals and features of earlier versions are found under the names that they have."""
    assert SignalSpec().identity() == {
        "rate": 100.0,
        "seconds": 10.0,
        "leads": list(LEADS),
        "bandpass": [0.67, 40.0],
        "scaling": "zscore-record",
    }
    assert SignalSpec(notch=50.0, rate=500).identity()["notch"] == 50.0


def test_a_notch_above_half_the_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="notch at"):
        SignalSpec(rate=100, notch=50)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, (3, 40), elements=st.floats(-50, 50)),
    st.sampled_from(["zscore-record", "zscore-lead", "minmax-record", "minmax-lead", "none"]),
)
def test_scaling_is_finite_and_does_what_it_says(signals, scaling) -> None:
    scaled = scale_record(signals, scaling)
    assert np.isfinite(scaled).all()
    if scaling == "minmax-record" and np.ptp(signals) > 1e-3:
        assert scaled.min() == 0
        assert scaled.max() == 1
    if scaling == "zscore-record" and signals.std() > 1e-3:
        assert abs(scaled.mean()) < 1e-6
        assert abs(scaled.std() - 1) < 1e-6
    if scaling == "minmax-lead":
        for lead, row in zip(signals, scaled, strict=True):
            low, high = (row.min(), row.max()) if np.ptp(lead) > 1e-3 else (0, 1)
            assert (low, high) == (0, 1)
    if scaling == "zscore-lead":
        for lead, row in zip(signals, scaled, strict=True):
            assert abs(row.std() - 1) < 1e-6 if lead.std() > 1e-3 else np.isfinite(row).all()


@pytest.mark.parametrize("scaling", ["zscore-record", "zscore-lead", "minmax-record"])
def test_constant_signals_become_zeros(scaling) -> None:
    made = adapt_record(np.full((12, 1000), 0.7, np.float32), 100, SignalSpec(scaling=scaling), ALL)
    assert not made.any()
    half = np.full((12, 1000), 0.7)
    half[0] = np.sin(np.arange(1000))
    if scaling == "zscore-lead":
        assert not scale_record(half, scaling)[1:].any()


def test_asked_again_the_file_is_opened(toy, monkeypatch) -> None:
    spec = SignalSpec()
    first = adapt(toy, spec, workers=1)
    monkeypatch.setattr(
        "ecgbench.data.signals.for_each", lambda *arguments: pytest.fail("made again")
    )
    np.testing.assert_array_equal(adapt(toy, spec, workers=1), first)
    with pytest.raises(pytest.fail.Exception):
        adapt(toy, SignalSpec(scaling="none"), workers=1)


def test_the_number_of_workers_and_the_choice_of_rows_change_nothing(toy, monkeypatch) -> None:
    monkeypatch.setattr("ecgbench.data.signals._CHUNK", 6)
    noisy = AddNoise(0.5)
    everything = np.array(adapt(toy, SignalSpec(), noisy, workers=1))
    some = adapt(toy, SignalSpec(), noisy, rows=np.array([7, 2, 19]), workers=1)
    np.testing.assert_array_equal(some, everything[[7, 2, 19]])
    for folder in (toy.store.path.parent.parent / "adapted").iterdir():
        folder.rename(folder.with_name(f"old-{folder.name}"))
    np.testing.assert_array_equal(adapt(toy, SignalSpec(), noisy, workers=2), everything)


def test_transforms_see_recorded_samples_and_are_part_of_the_address(toy) -> None:
    weak, strong = AddNoise(0.1), AddNoise(2.0)
    first = adapt(toy, PLAIN, weak, workers=1)
    second = adapt(toy, PLAIN, strong, workers=1)
    assert weak.seen[2] == (1, 12, 600)
    plain = toy.store.read(slice(None))
    assert np.std(first - plain) == pytest.approx(0.1, rel=0.05)
    assert np.std(second - plain) == pytest.approx(2.0, rel=0.05)
    noise = [(first[row] - plain[row]).ravel() for row in (0, 1)]
    assert abs(np.corrcoef(noise)[0, 1]) < 0.1  # noise of each record's own


def test_a_transform_that_gives_nan_is_refused_and_nothing_is_left(toy) -> None:
    with pytest.raises(DataError, match="not finite"):
        adapt(toy, PLAIN, AddNoise(1e38), workers=1)
    folder = toy.store.path.parent.parent / "adapted"
    assert not [path for path in folder.iterdir() if not path.name.startswith(".")]


@pytest.mark.parametrize(
    "wish",
    [{"bandpass": (0.5, 60.0)}, {"bandpass": (40.0, 1.0)}, {"leads": ("I", "I")}, {"rate": 0}],
)
def test_wishes_that_make_no_sense_are_refused(wish) -> None:
    with pytest.raises(ValueError):
        SignalSpec(**wish)


def test_a_real_record_keeps_its_shape(shared_data) -> None:
    """500 Hz in mV against the same record as shared: filtered, per lead z-scored, at 100 Hz."""
    raw = read_recording(shared_data / "ptbxl-raw/records500/00000/00009_hr").signals
    ready = read_recording(shared_data / "ptbxl-mini/records100/00000/00009_lr").signals
    spec = SignalSpec(bandpass=(0.5, 40.0), scaling="zscore-lead")
    made = adapt_record(raw.astype(np.float32), 500, spec, ALL)
    for lead in range(len(LEADS)):
        # away from the ends, where the two filters settle differently
        assert np.corrcoef(made[lead, 200:-200], ready[lead, 200:-200])[0, 1] > 0.995
