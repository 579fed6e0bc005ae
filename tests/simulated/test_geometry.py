"""Laws of the lead field."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ecgbench.simulated.cohort import stream
from ecgbench.simulated.files import quantise
from ecgbench.simulated.geometry import (
    DOWER,
    FILE_LEADS,
    draw_anatomy,
    rotation,
    to_electrodes,
    to_leads,
)

INDEPENDENT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
ROW = {name: i for i, name in enumerate(FILE_LEADS)}


def test_leads_obey_einthoven_and_goldberger_whatever_the_electrodes_hold():
    leads = to_leads(np.random.default_rng(0).normal(size=(9, 50)))
    one, two = leads[ROW["I"]], leads[ROW["II"]]
    assert_allclose(leads[ROW["III"]], two - one, atol=1e-12)
    assert_allclose(leads[ROW["AVR"]], -(one + two) / 2, atol=1e-12)
    assert_allclose(leads[ROW["AVL"]], one - two / 2, atol=1e-12)
    assert_allclose(leads[ROW["AVF"]], two - one / 2, atol=1e-12)


def test_electrodes_reproduce_the_independent_leads():
    independent = np.random.default_rng(1).normal(size=(8, 40))
    leads = to_leads(to_electrodes(independent))
    picked = leads[[ROW[name] for name in INDEPENDENT_LEADS]]
    assert_allclose(picked, independent, atol=1e-12)


def test_noise_common_to_all_electrodes_is_in_no_lead():
    electrodes = np.random.default_rng(2).normal(size=(9, 30))
    common = np.random.default_rng(3).normal(size=30)
    assert_allclose(to_leads(electrodes + common), to_leads(electrodes), atol=1e-12)


def test_a_vector_shows_in_the_leads_that_face_it():
    seen = {name: DOWER[i] for i, name in enumerate(INDEPENDENT_LEADS)}
    left, down, front = np.eye(3)[0], np.eye(3)[1], -np.eye(3)[2]
    assert seen["I"] @ left > 0.5
    assert seen["V6"] @ left > 0.5
    assert seen["V1"] @ left < 0
    assert seen["II"] @ down > 0.9
    assert seen["V2"] @ front > 1.2


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_rotations_are_rigid(roll, yaw, pitch):
    matrix = rotation(roll, yaw, pitch)
    assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) > 0


def test_a_positive_roll_turns_left_to_down_and_a_positive_yaw_left_to_back():
    assert (rotation(0.5, 0, 0) @ [1, 0, 0])[1] > 0.4
    assert (rotation(0, 0.5, 0) @ [1, 0, 0])[2] > 0.4


def test_old_hearts_lie_more_horizontally():
    def axis(age):
        vectors = [draw_anatomy(stream(0, i), age).projection @ [1, 0.8, 0] for i in range(200)]
        return np.median([np.arctan2((2 * v[1] - v[0]) / 3**0.5, v[0]) for v in vectors])

    assert axis(85) < axis(25) - 0.2


@given(st.integers(0, 2**32 - 1))
def test_files_keep_the_identities_after_rounding(seed):
    leads = to_leads(np.random.default_rng(seed).normal(0, 2, size=(9, 20)))
    units = quantise(leads).astype(int)
    one, two = units[0], units[1]
    assert (units[2] == two - one).all()
    assert (abs(2 * units[3] + one + two) <= 1).all()
    assert (abs(2 * units[4] - 2 * one + two) <= 1).all()
    assert (abs(2 * units[5] - 2 * two + one) <= 1).all()
    assert np.abs(units - leads * 1000).max() <= 1.3
