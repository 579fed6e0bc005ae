from __future__ import annotations

import numpy as np
import pytest

from ecgbench.base.errors import DataError
from ecgbench.data.leads import LEADS, canonical_lead, derive_limb_lead, lead_positions
from ecgbench.data.reading.recording import read_recording


@pytest.mark.parametrize("name", ["AVR", "avr", " aVR ", "aVR"])
def test_spellings_of_a_lead_are_one(name: str) -> None:
    assert canonical_lead(name) == "aVR"


def test_an_unknown_lead_keeps_its_name() -> None:
    assert canonical_lead("MLII") == "MLII"


def test_positions_follow_names() -> None:
    mimic = ["I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"]
    assert lead_positions(LEADS, mimic) == [0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11]


def test_a_missing_lead_is_named() -> None:
    with pytest.raises(DataError, match="Lead V6 is missing"):
        lead_positions(LEADS, LEADS[:-1])


def test_limb_leads_follow_from_two_on_a_real_record(shared_data) -> None:
    recording = read_recording(shared_data / "ptbxl-raw/records500/00000/00001_hr")
    by_name = dict(zip(recording.leads, recording.signals, strict=True))
    for lead in ("III", "aVR", "aVL", "aVF"):
        derived = derive_limb_lead(lead, by_name["I"], by_name["II"])
        np.testing.assert_allclose(derived, by_name[lead], atol=0.0021)  # two counts of rounding


def test_a_chest_lead_does_not_follow_from_limb_leads() -> None:
    with pytest.raises(DataError, match="V1"):
        derive_limb_lead("V1", np.zeros(3), np.zeros(3))
