"""Classical measurements on beats whose truth is known, and on real recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ecgbench.methods.classical.features import feature_names, find_beats, measure
from numpy.typing import NDArray

from ecgbench.data.leads import LEADS

RATE = 200.0


def simulated(
    rate: float, width: float = 0.02, axis: float = 60.0, jitter: float = 0.0
) -> NDArray[np.float64]:
    """A simulated ECG: Gaussian P, R and T of known rate, width (s) and frontal axis (degrees)."""
    rng = np.random.default_rng(0)
    time = np.arange(int(10 * RATE)) / RATE
    beats = np.cumsum(60 / rate * (1 + jitter * rng.uniform(-1, 1, 40)))
    shape = sum(
        0.1 * np.exp(-(((time - b + 0.16) / 0.02) ** 2))
        + np.exp(-(((time - b) / width) ** 2))
        + 0.3 * np.exp(-(((time - b - 0.28) / 0.04) ** 2))
        for b in beats
    )
    assert isinstance(shape, np.ndarray)
    angle = np.deg2rad(axis)
    one, avf = np.cos(angle) * shape, np.sin(angle) * shape
    two = avf + one / 2
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, avf]
    noise = rng.normal(0, 0.002, (12, len(time)))
    return np.stack([*limb, *[shape] * 6]) + noise


def named(ecg: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(feature_names(LEADS), measure(ecg, RATE, LEADS), strict=True))


@pytest.mark.parametrize("rate", [48, 75, 110])
def test_rate_and_regularity(rate: float) -> None:
    measured = named(simulated(rate))
    assert measured["rate"] == pytest.approx(rate, rel=0.03)
    assert measured["rr_sd"] < 0.03
    assert named(simulated(rate, jitter=0.25))["rr_sd"] > 0.08


@pytest.mark.parametrize("axis", [-45.0, 0.0, 60.0, 110.0])
def test_axis(axis: float) -> None:
    measured = named(simulated(70, axis=axis))
    angle = np.rad2deg(np.arctan2(measured["axis_sin"], measured["axis_cos"]))
    assert angle == pytest.approx(axis, abs=8)


def test_a_wide_qrs_is_measured_wider_and_amplitudes_are_those_of_the_waves() -> None:
    narrow, wide = named(simulated(70)), named(simulated(70, width=0.05))
    assert wide["qrs_width"] > 1.5 * narrow["qrs_width"]
    assert narrow["r_V5"] == pytest.approx(1.0, abs=0.05)
    assert narrow["t_V5"] == pytest.approx(0.3, abs=0.05)
    assert narrow["p_V5"] == pytest.approx(0.1, abs=0.05)


def test_no_beats_give_zeros_not_nan() -> None:
    assert not measure(np.zeros((12, 2000)), RATE, LEADS).any()


def test_real_beats_are_found(shared_data: Path) -> None:
    """The rate by our beats agrees with another detector's, on real PTB-XL records."""
    wfdb = pytest.importorskip("wfdb")
    from wfdb.processing import gqrs_detect

    headers = sorted((shared_data / "ptbxl-raw").rglob("*_hr.hea"))[:8]
    agree = 0
    for header in headers:
        record = wfdb.rdrecord(str(header.with_suffix("")))
        ecg = record.p_signal.T
        ours = len(find_beats(ecg, record.fs, LEADS))
        other = len(gqrs_detect(ecg[1], fs=record.fs))
        agree += abs(ours - other) <= 1
    assert agree >= len(headers) - 2


def test_names_are_unique_and_match_the_vector() -> None:
    names = feature_names(LEADS)
    assert len(set(names)) == len(names) == len(measure(simulated(70), RATE, LEADS))


def test_the_operator_has_the_shape_it_promises_on_the_meta_device() -> None:
    from ecgbench.methods.classical.model import classical_features

    real = classical_features(torch.randn(2, 12, 1000), 100.0, " ".join(LEADS))
    meta = classical_features(torch.empty(2, 12, 1000, device="meta"), 100.0, " ".join(LEADS))
    assert meta.shape == real.shape
    assert meta.dtype == real.dtype
