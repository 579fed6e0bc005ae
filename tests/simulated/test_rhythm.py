"""When the beats come."""

import numpy as np
import pytest

from ecgbench.simulated.cohort import stream
from ecgbench.simulated.rhythm import Breathing, atrial_waves, beats

SECONDS = 10.0
SEEDS = range(40)
CALM = Breathing(rate=0.25, phase=0.0)


def train(findings, seed, flutter=5.0):
    inside = beats(findings, SECONDS, CALM, flutter, stream(seed, 9))
    return [b for b in inside if -0.5 < b.time < SECONDS + 0.5]


def rr_of(findings, seed, **keys):
    return np.diff([b.time for b in train(findings, seed, **keys)])


def irregularity(findings):
    rows = [rr_of(findings, seed) for seed in SEEDS]
    return np.median([np.sqrt(np.mean(np.diff(rr) ** 2)) / rr.mean() for rr in rows])


def rate(findings):
    return np.array([60 / np.median(rr_of(findings, seed)) for seed in SEEDS])


def test_rates_are_what_the_names_say():
    assert (rate({"STACH": 0.0}) > 97).all()
    assert (rate({"SBRAD": 0.0}) < 61).all()
    assert (rate({"SVTAC": 0.0}) > 140).all()
    normal = rate({"SR": 0.5})
    assert 62 < np.median(normal) < 78
    assert ((normal > 48) & (normal < 108)).all()


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_fibrillation_is_irregular_and_without_p(level):
    assert irregularity({"AFIB": level}) > 4 * irregularity({"SR": level})
    assert irregularity({"AFIB": level}) > 0.15
    assert all(b.p == "none" for seed in SEEDS for b in train({"AFIB": level}, seed))
    assert all(b.p == "sinus" for seed in SEEDS for b in train({"SR": level}, seed))


def test_sinus_arrhythmia_follows_the_breath():
    assert irregularity({"SARRH": 0.5}) > 2 * irregularity({"SR": 0.5})
    times, intervals = [], []
    for seed in SEEDS:
        found = train({"SARRH": 0.8}, seed)
        times += [b.time for b in found[:-1]]
        intervals += list(np.diff([b.time for b in found]) / np.median(rr_of({"SARRH": 0.8}, seed)))
    assert np.corrcoef(CALM.at(np.array(times)), intervals)[0, 1] > 0.6


def test_flutter_conducts_whole_numbers_of_atrial_cycles():
    for seed in SEEDS:
        ratios = rr_of({"AFLT": 0.5}, seed, flutter=5.0) * 5.0
        assert np.allclose(ratios, np.round(ratios), atol=1e-9)
        assert ratios.min() > 1.5


def test_premature_beats_are_early_wide_and_followed_by_a_pause():
    for seed in SEEDS:
        found = train({"PVC": 0.5, "SR": 0.5}, seed)
        usual = np.median(np.diff([b.time for b in found]))
        early = [i for i, b in enumerate(found) if b.origin == "ventricular" and i > 0]
        assert early, "every record with PVC shows one"
        for i in early:
            assert found[i].p == "none"
            assert found[i].time - found[i - 1].time < 0.9 * usual
            if i + 1 < len(found):
                assert found[i + 1].time - found[i].time > 0.95 * usual


def test_atrial_premature_beats_are_narrow_with_another_p():
    found = [b for seed in SEEDS for b in train({"PAC": 0.5, "SR": 0.5}, seed)]
    assert {b.origin for b in found} == {"conducted"}
    assert {b.p for b in found} == {"sinus", "ectopic"}


@pytest.mark.parametrize(("code", "period"), [("BIGU", 2), ("TRIGU", 3)])
def test_bigeminy_and_trigeminy_keep_count(code, period):
    for seed in SEEDS:
        origins = [b.origin for b in train({code: 0.5, "PVC": 0.5, "SR": 0.5}, seed)]
        places = np.flatnonzero([o == "ventricular" for o in origins])
        assert (np.diff(places) == period).all()


def test_pacing_is_regular():
    assert irregularity({"PACE": 0.5}) < 0.01
    assert all(b.origin == "paced" for b in train({"PACE": 0.5}, 0))


@pytest.mark.parametrize(("code", "low", "high"), [("AFIB", 4.0, 9.0), ("AFLT", 4.9, 5.1)])
def test_atria_oscillate_at_their_rate(code, low, high):
    time = np.arange(5000) / 500
    wave = atrial_waves({code: 0.6}, time, 5.0, stream(1, 2))[1]
    power = abs(np.fft.rfft(wave)) ** 2
    peak = np.fft.rfftfreq(len(time), 1 / 500)[np.argmax(power)]
    assert low <= peak <= high
    assert not atrial_waves({"SR": 0.6}, time, 5.0, stream(1, 2)).any()
