"""The laws of graded corruption and of lead loss."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from ecgbench.tasks.protocols.shift.corruptions import (
    NOISES,
    ElectrodeNoise,
    LeadLoss,
    power_of,
    transform_of,
)
from ecgbench.tasks.protocols.shift.settings import Lead, NoiseKind, ShiftSettings
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import welch

from ecgbench.base.errors import DataError
from ecgbench.data.leads import LEADS
from ecgbench.data.signals import Transform
from ecgbench.plugins.catalogue import protocols

KINDS = (*NOISES, "gain", "time-crop")
LIMB = {"III": (-1, 1), "aVR": (-0.5, -0.5), "aVL": (1, -0.5), "aVF": (-0.5, 1)}


def ecg_like(seed: int, seconds: float = 10, rate: float = 100, mv: float = 1.0) -> np.ndarray:
    """Simulated beats in twelve leads that obey Einthoven, with drift and offset: [1, 12, samples]."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    beat = np.exp(-((((time * rng.uniform(0.8, 2)) % 1) - 0.4) ** 2) / 0.002)
    slow = np.sin(2 * np.pi * rng.uniform(0.05, 0.3) * time)
    made = rng.normal(0, 1, (12, 1)) * beat + rng.normal(0, 0.3, (12, 1)) * slow
    for lead, (of_i, of_ii) in LIMB.items():
        made[LEADS.index(lead)] = of_i * made[0] + of_ii * made[1]
    return (mv * (made + 0.2))[None].astype(np.float32)


def levels(kind: str) -> list[Transform]:
    """The five levels of a kind as the protocol has them."""
    spec = protocols.get("corruption")
    found = [transform_of(spec.of(f"{kind}-{level}")) for level in range(1, 6)]
    return [change for change in found if change is not None]


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one.astype(np.float64) - other) ** 2)))


def test_the_protocol_has_six_kinds_of_five_levels_and_the_clean_one() -> None:
    spec = protocols.get("corruption")
    assert set(spec.variants) == {"clean", *(f"{kind}-{n}" for kind in KINDS for n in range(1, 6))}
    assert len(KINDS) == 6
    assert transform_of(spec.of("clean")) is None


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    seconds=st.floats(5, 12),
    rate=st.sampled_from([100.0, 250.0, 500.0]),
    mv=st.sampled_from([0.01, 1.0, 300.0]),
)
def test_a_higher_level_is_further_from_the_clean_record(
    kind: str, seed: int, seconds: float, rate: float, mv: float
) -> None:
    clean = ecg_like(seed, seconds, rate, mv)
    kept = clean.copy()
    steps = [0.0]
    for number, change in enumerate(levels(kind)):
        changed = change(clean, rate, np.random.default_rng([seed, number]))
        assert changed.shape == clean.shape
        assert changed.dtype == np.float32
        assert np.isfinite(changed).all()
        steps.append(distance(changed, clean))
    assert all(nearer < further for nearer, further in itertools.pairwise(steps)), steps
    np.testing.assert_array_equal(clean, kept)


@pytest.mark.parametrize("kind", NOISES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), snr=st.floats(-10, 20), mv=st.sampled_from([0.001, 1.0, 50.0]))
def test_noise_has_the_ratio_asked_for_whatever_the_units(
    kind: str, seed: int, snr: float, mv: float
) -> None:
    clean = ecg_like(seed, mv=mv)
    noise = ElectrodeNoise(kind, snr)(clean, 100, np.random.default_rng(seed)).astype(float) - clean
    found = power_of(clean[0].astype(float), 100) / np.mean(noise**2)
    assert 10 * np.log10(found) == pytest.approx(snr, abs=0.05)
    assert np.abs(noise.mean(axis=2)).max() < 1e-4 * np.abs(clean).max()


def test_the_power_of_a_record_leaves_out_offset_drift_and_mains() -> None:
    time = np.arange(5000) / 500
    wave = np.tile(np.sqrt(2) * np.sin(2 * np.pi * 5 * time), (12, 1))
    assert power_of(wave, 500) == pytest.approx(1, rel=1e-3)
    rest = 7 + 0.5 * time + 3 * np.sin(2 * np.pi * 0.2 * time) + np.sin(2 * np.pi * 50 * time)
    assert power_of(wave + rest, 500) == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("rate", [100, 500])
@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("baseline-wander", 0, 1.2),
        ("muscle-noise", 9, 46),
        ("electrode-motion", 0.2, 14),
        ("power-line", 48, 52),
    ],
)
def test_noise_stays_in_its_band(kind: str, low: float, high: float, rate: int) -> None:
    clean = ecg_like(1, 60, rate)
    noise = ElectrodeNoise(kind, 0)(clean, rate, np.random.default_rng(2))[0] - clean[0]
    hertz, power = welch(noise, rate, nperseg=10 * rate, detrend=False)
    inside = (hertz >= low) & (hertz <= high)
    assert power[:, inside].sum() > 0.97 * power.sum()


@pytest.mark.parametrize("kind", NOISES)
def test_noise_arises_at_electrodes(kind: str) -> None:
    clean = ecg_like(3)
    noise = (
        ElectrodeNoise(kind, 0)(clean, 100, np.random.default_rng(4))[0].astype(float) - clean[0]
    )
    for lead, (of_i, of_ii) in LIMB.items():
        derived = of_i * noise[0] + of_ii * noise[1]
        np.testing.assert_allclose(noise[LEADS.index(lead)], derived, atol=1e-5)
    assert (noise.std(axis=1) > 0).any()


def test_motion_is_of_some_electrodes_some_of_the_time() -> None:
    clean = ecg_like(5, 10, 500)
    quiet = 0
    for seed in range(20):
        noise = (
            ElectrodeNoise("electrode-motion", 0)(clean, 500, np.random.default_rng(seed))[0]
            - clean[0]
        )
        busy = np.abs(noise - np.median(noise, axis=1, keepdims=True)) > 0.01 * np.abs(noise).max()
        assert busy.any(axis=0).mean() < 0.5, "more than half of the record moves"
        quiet += int((busy.mean(axis=1) < 0.3).sum())
    assert quiet > 60  # of 240 leads


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_record_is_changed_in_the_same_way(kind: str) -> None:
    clean, change = ecg_like(6), levels(kind)[2]
    first, second = (change(clean, 100, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = change(clean, 100, np.random.default_rng(8))
    assert np.array_equal(first, other) == (kind == "time-crop")


@pytest.mark.parametrize("kind", KINDS)
def test_flat_leads_and_empty_records_stay_finite(kind: str) -> None:
    signals = ecg_like(9)
    signals[0, 6:] = 0.3
    for change in levels(kind):
        assert np.isfinite(change(signals, 100, np.random.default_rng(0))).all()
        nothing = np.zeros((1, 12, 1000), np.float32)
        assert not change(nothing, 100, np.random.default_rng(0)).any()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), error=st.floats(0.05, 0.95))
def test_gain_is_wrong_by_a_share_up_in_half_of_the_leads(seed: int, error: float) -> None:
    clean = ecg_like(seed) + 0.5
    change = transform_of(ShiftSettings(gain_error=error))
    assert change is not None
    ratio = change(clean, 100, np.random.default_rng(seed))[0, :, 0] / clean[0, :, 0]
    np.testing.assert_allclose(np.sort(ratio), [1 - error] * 6 + [1 + error] * 6, rtol=1e-5)


def test_a_crop_keeps_the_beginning_and_holds_the_baseline() -> None:
    clean = ecg_like(10)
    change = transform_of(ShiftSettings(lost=0.75))
    assert change is not None
    cropped = change(clean, 100, np.random.default_rng(0))
    np.testing.assert_array_equal(cropped[:, :, :250], clean[:, :, :250])
    median = np.repeat(np.median(clean, axis=2)[:, :, None], 750, axis=2)
    np.testing.assert_allclose(cropped[:, :, 250:], median)


def test_lost_leads_are_zero_and_the_others_as_they_were() -> None:
    spec = protocols.get("lead-loss")
    clean = ecg_like(11)
    lost = [12]
    for name in ("6-leads", "3-leads", "2-leads", "1-lead"):
        change = transform_of(spec.of(name))
        assert isinstance(change, LeadLoss)
        changed = change(clean, 100, np.random.default_rng(0))
        kept = [LEADS.index(lead) for lead in change.kept]
        assert len(kept) == int(name[0])
        np.testing.assert_array_equal(changed[:, kept], clean[:, kept])
        assert not np.delete(changed, kept, axis=1).any()
        lost.append(len(kept))
    assert lost == [12, 6, 3, 2, 1]
    assert transform_of(spec.of("clean")) is None


def test_version_1_is_what_it_was() -> None:
    """Features are stored by the name, amount and version of a corruption: raise VERSION when this fails."""
    clean = ecg_like(12)
    found = {
        kind: distance(levels(kind)[3](clean, 100, np.random.default_rng(13))[:, 3], clean[:, 3])
        for kind in KINDS
    }
    assert found == pytest.approx(
        {
            "baseline-wander": 0.160827,
            "muscle-noise": 0.164856,
            "electrode-motion": 0.116186,
            "power-line": 0.026582,
            "gain": 0.140751,
            "time-crop": 0.163083,
        },
        rel=1e-4,
    )


def test_the_settings_name_every_noise_and_lead() -> None:
    assert set(get_args(NoiseKind)) == set(NOISES)
    assert get_args(Lead) == LEADS


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            lambda: ElectrodeNoise("power-line", 0)(ecg_like(0, rate=90), 90, rng()),
            "hold no power line",
        ),
        (
            lambda: ElectrodeNoise("muscle-noise", 0)(ecg_like(0, rate=16), 16, rng()),
            "hold no noise of",
        ),
        (
            lambda: ElectrodeNoise("muscle-noise", 0)(ecg_like(0)[:, :8], 100, rng()),
            "8 leads are not",
        ),
        (lambda: LeadLoss(("I",))(ecg_like(0)[:, :8], 100, rng()), "8 leads are not the twelve"),
    ],
)
def test_what_cannot_be_is_refused(made: Callable[[], object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        made()


def rng() -> np.random.Generator:
    return np.random.default_rng(0)
