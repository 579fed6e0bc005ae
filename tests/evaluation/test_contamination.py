from __future__ import annotations

import pytest

from ecgbench.base.errors import ConfigError
from ecgbench.evaluation.contamination import (
    check_declared,
    declared_contamination,
    holds,
    seen_records,
)


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
        (("nobody-knows",), "ptbxl", True),  # a name that no list has says nothing
        (("unknown",), "sim", True),
        (("private-clinic",), "ptbxl", False),
        (("PTB-XL",), "ptbxl-mini", True),
        (("CinC 2021",), "ptbxl", True),
        (("physionet2021",), "csn", True),
        (("chapman",), "csn", True),  # a part of the records
        (("ningbo",), "csn", True),
        (("csn",), "cpsc2018", False),
        (("georgia", "cpsc-extra", "ptb", "incart"), "ptbxl", False),
        (("georgia", "cpsc-extra", "ptb", "incart"), "cpsc2018", False),
        (("cinc2025",), "ptbxl", True),
        (("code",), "csn", False),
        (("mimic-iv-ecg", "cinc2020"), "cpsc2018", True),
    ],
)
def test_declared_data_sets_are_held_against_the_tasks(
    declared: tuple[str, ...], tested: str, found: bool
) -> None:
    reason = declared_contamination(declared, tested)
    assert (reason is not None) == found
    if reason:
        assert "seen" in reason


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


def test_a_collection_holds_its_parts() -> None:
    parts = {"cpsc2018", "cpsc2018extra", "georgia", "incart", "ptb", "ptbxl"}
    assert holds("cinc2020") == parts
    assert holds("cinc2021") == parts | {"chapman", "ningbo"}
    assert holds("csn") == {"chapman", "ningbo"}
    assert holds("code") == {"code15", "coderest"}
    assert holds("ptbxl-mini") == holds("ptbxl") == {"ptbxl"}


def test_a_name_that_no_list_has_is_refused_where_it_is_declared() -> None:
    check_declared(
        ["cinc2021", "PTB-XL", "private-clinic", "unknown", "sim", "georgia", "Code-15%"]
    )
    with pytest.raises(ConfigError, match="No list of data sets has 'cinc20021'") as caught:
        check_declared(["cinc20021"])
    assert "'cinc2021'" in str(caught.value.hint)
    assert "`unknown`" in str(caught.value.hint)
