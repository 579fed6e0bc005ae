from __future__ import annotations

import pytest

from ecgbench.evaluation.contamination import declared_contamination, holds, seen_records


@pytest.mark.parametrize(
    ("declared", "tested", "found"),
    [
        ((), "ptbxl", False),
        (("mimic-iv-ecg",), "ptbxl", False),
        (("ptbxl",), "ptbxl", True),
        (("ptbxl",), "ptbxl-mini", True),  # a part of the same records
        (("ptbxl-mini",), "ptbxl", True),
        (("cinc2021",), "ptbxl-mini", True),
        (("cinc2021",), "cpsc2018", True),
        (("cinc2021",), "csn", True),
        (("cinc2020",), "csn", False),
        (("cinc2021",), "mimic-iv-ecg", False),
        (("nobody-knows",), "ptbxl", False),
        (("mimic-iv-ecg", "cinc2020"), "cpsc2018", True),
    ],
)
def test_declared_data_sets_are_held_against_the_tasks(
    declared: tuple[str, ...], tested: str, found: bool
) -> None:
    reason = declared_contamination(declared, tested)
    assert (reason is not None) == found
    if reason:
        assert "have seen" in reason


def test_trained_records_are_held_against_the_test_records_by_id() -> None:
    trained = [("ptbxl", lambda: ["1", "2", "3"])]
    assert seen_records(trained, "ptbxl-mini", ["3", "4"]) == (
        "1 test records are among those of ptbxl that it was trained on"
    )
    assert seen_records(trained, "ptbxl-mini", ["4", "5"]) is None


def test_the_same_id_in_another_data_set_is_another_record() -> None:
    def never() -> list[str]:
        raise AssertionError("asked for the ids of a data set that shares no record")

    assert seen_records([("sim", never)], "ptbxl", ["3"]) is None


def test_a_collection_holds_what_the_catalogue_calls_it() -> None:
    assert holds("cinc2021") == {"ptbxl", "cpsc2018", "csn"}
    assert holds("ptbxl-mini") == holds("ptbxl") == {"ptbxl"}
