"""Doubts about records, and faults that most records of a data set share."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbench.base.errors import DataError
from ecgbench.data.checks.signals import check_signals, signal_doubts
from ecgbench.data.checks.whole import check_amplitudes, check_limb_leads
from ecgbench.data.leads import LEADS
from ecgbench.data.opening import prepare

from .conftest import ecg_like, own_entry


@pytest.fixture
def signals() -> np.ndarray:
    return ecg_like(np.random.default_rng(0), 1000, 100).T


def doubts(signals: np.ndarray, units: str = "mV") -> tuple[str, ...]:
    check_signals(signals, LEADS, 100, 5)
    return signal_doubts(signals, LEADS, 100, units)


def test_a_good_record_is_not_doubtful(signals) -> None:
    assert doubts(signals) == ()


def test_padding_is_counted_and_never_makes_a_record_long_enough(signals) -> None:
    for place in (slice(0, 300), slice(700, 1000)):
        padded = signals.copy()
        padded[:, place] = 0
        assert "padding: 3 s of a constant at an end" in doubts(padded)
    padded[:, 300:] = 0
    with pytest.raises(DataError, match="too short: 3 s beside padding, at least 5"):
        check_signals(padded, LEADS, 100, 5)
    short = signals.copy()
    short[:, -40:] = 0
    assert doubts(short) == ()


def test_a_lead_at_its_rail_is_saturated(signals) -> None:
    clipped = signals.copy()
    clipped[7] = np.clip(clipped[7], None, 0.0)
    clipped[7, 200:225] = 0.0
    clipped[8, 100:110] = clipped[8].min()  # a tenth of a second is a wave
    assert doubts(clipped) == ("saturated: V2",)


def test_equal_leads_are_counted(signals) -> None:
    signals[9] = signals[6]
    assert doubts(signals) == ("equal leads: V1 V4",)


def test_amplitudes_that_no_ecg_has_are_counted(signals) -> None:
    assert [d.partition(":")[0] for d in doubts(signals * 1000)] == ["implausible amplitude"]
    assert [d.partition(":")[0] for d in doubts(signals / 1000)] == ["implausible amplitude"]
    assert doubts(signals * 5, "z-score per lead") == ()


@pytest.mark.parametrize(
    ("one", "other"), [(2, 3), (3, 4), (4, 5), (3, 5), (0, 1), (0, 2), (1, 2), (1, 5)]
)
def test_mixed_up_limb_leads_are_counted(signals, one, other) -> None:
    mixed = signals.copy()
    mixed[[one, other]] = signals[[other, one]]
    assert [d.partition(":")[0] for d in doubts(mixed)] == ["limb leads"]
    assert doubts(mixed * 5, "z-score per lead") == ()  # scaled by lead: no identity holds


@given(st.integers(0, 10**6), st.floats(0, 0.02), st.floats(0.3, 3))
@settings(max_examples=50)
def test_noise_and_offsets_mix_no_leads_up(seed, noise, gain) -> None:
    rng = np.random.default_rng(seed)
    signals = gain * ecg_like(rng, 1000, 100).T
    signals += rng.normal(0, noise * signals[:3].std(), signals.shape) + rng.normal(0, 1, (12, 1))
    assert not [d for d in doubts(signals) if d.startswith("limb leads")]


@pytest.mark.parametrize("seed", range(8))
def test_the_order_that_mends_a_set_is_named(seed) -> None:
    rng = np.random.default_rng(seed)
    records = [ecg_like(rng, 500, 100).T for _ in range(5)]
    order = np.arange(12)
    while (order[:6] == np.arange(6)).all():
        order[:6] = rng.permutation(6)
    mixed = [record[order] for record in records]  # the row named LEADS[k] holds LEADS[order[k]]
    names = sorted(f"{LEADS[k]}: {LEADS[order[k]]}" for k in range(6) if order[k] != k)
    with pytest.raises(DataError, match="mixed up") as caught:
        check_limb_leads(mixed, LEADS, 5, 6)
    assert f"lead_names: {{{', '.join(names)}}}" in str(caught.value.hint)
    check_limb_leads(mixed, LEADS, 5, 11)  # not most of them


def test_no_two_orders_of_the_limb_leads_fit() -> None:
    from ecgbench.data.checks.whole import _errors

    limb = ecg_like(np.random.default_rng(3), 500, 100).T[:6]
    errors = _errors(limb, list(permutations(range(6))))
    assert (errors < 1e-6).sum() == 1


def test_leads_scaled_by_themselves_are_in_no_wrong_order() -> None:
    rng = np.random.default_rng(0)
    records = [ecg_like(rng, 500, 100).T for _ in range(5)]
    scaled = [(r - r.mean(1, keepdims=True)) / r.std(1, keepdims=True) for r in records]
    check_limb_leads(scaled, LEADS, 5, 5)


@pytest.mark.parametrize(
    ("factor", "unit"), [(1000, "uV"), (0.001, "V"), (1e6, "nV"), (800, "uV"), (0.002, "V")]
)
def test_the_likely_unit_is_named(factor, unit) -> None:
    amplitudes = [factor * value for value in (1.5, 3.0, 4.0)]
    with pytest.raises(DataError, match="3 of 3 records have amplitudes that no ECG has") as caught:
        check_amplitudes(amplitudes, "mV")
    assert f"`unit_names: {{mV: {unit}}}`" in str(caught.value.hint)
    check_amplitudes([*amplitudes, 1, 2, 3], "mV")


def test_a_set_in_another_unit_is_refused_and_mended_by_its_entry(
    ecgbench_home, add_spec, tmp_path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    signals = [ecg_like(np.random.default_rng(n), 1000, 100).T for n in range(3)]
    rows = [f"{n},{n}.npy" for n in range(3)]
    (folder / "records.csv").write_text("\n".join(["record_id,path", *rows]))
    for n, values in enumerate(signals):
        np.save(folder / f"{n}.npy", values * 1000)
    add_spec(own_entry())
    with pytest.raises(DataError, match="amplitudes that no ECG has"):
        prepare("own", folder, workers=1)
    add_spec(own_entry(unit_names={"mV": "uV"}))
    made = prepare("own", folder, workers=1)
    np.testing.assert_allclose(made.store.read([0])[0], signals[0], atol=1e-4)
    np.save(folder / "0.npy", signals[0])  # one record alone is counted
    made = prepare("own", folder, workers=1)
    assert made.store.manifest["doubtful"] == {"implausible amplitude": 1}


def test_a_set_with_mixed_up_leads_is_refused_and_mended_by_its_entry(
    ecgbench_home, add_spec, tmp_path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    signals = [ecg_like(np.random.default_rng(n), 1000, 100).T for n in range(3)]
    (folder / "records.csv").write_text("record_id,path\n0,0.npy\n1,1.npy\n2,2.npy\n")
    turned = [0, 1, 2, 4, 5, 3, *range(6, 12)]
    for n, values in enumerate(signals):
        np.save(folder / f"{n}.npy", values[turned])
    add_spec(own_entry())
    with pytest.raises(DataError, match="limb leads of 3 of 3 records are mixed up") as caught:
        prepare("own", folder, workers=1)
    assert "lead_names: {aVF: aVR, aVL: aVF, aVR: aVL}" in str(caught.value.hint)
    add_spec(own_entry(lead_names={"aVF": "aVR", "aVL": "aVF", "aVR": "aVL"}))
    made = prepare("own", folder, workers=1)
    np.testing.assert_allclose(made.store.read([0])[0], signals[0], atol=1e-4)
    assert made.store.manifest["doubtful"] == {}
