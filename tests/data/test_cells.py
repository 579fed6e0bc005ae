from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbench.base.errors import DataError
from ecgbench.data.reading.cells import (
    are_flags,
    read_age,
    read_codes,
    read_flag,
    read_fold,
    read_ids,
    read_sex,
    similar,
)


@pytest.mark.parametrize("blank", ["", " ", "nan", "NaN", "NA", "None", "null", "#N/A", "<NA>"])
def test_what_programs_write_for_nothing_is_blank(blank: str) -> None:
    assert read_ids([blank, "7"], "t") == ["", "7"]
    assert math.isnan(read_age(blank)[0])
    assert read_age(blank)[1] is None
    assert read_sex(blank) == ("", None)
    assert read_flag(blank) is None
    assert read_codes(blank, ";") == {}
    assert read_codes(f"SR;{blank}", ";") == {"SR": 100.0}


def test_ids_of_one_column_have_one_spelling() -> None:
    assert read_ids(["12.0", "12", "7.00", "A7.0", "1.5"], "t") == ["12", "12", "7", "A7.0", "1.5"]
    assert read_ids(["012", "0012x", "0"], "t") == ["012", "0012x", "0"]


@pytest.mark.parametrize("ids", [["12", "012"], ["012.0", "12"], ["0", "00"], ["7", "x", "0007"]])
def test_ids_that_may_be_one_are_refused(ids: list[str]) -> None:
    with pytest.raises(DataError, match="one id or two"):
        read_ids(ids, "t")


@pytest.mark.parametrize("text", ["1.2E+11", "1,2e+05", "3E+9"])
def test_ids_that_a_spreadsheet_rounded_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="rounded"):
        read_ids([text], "t")


@given(st.lists(st.integers(0, 10**9), unique=True, max_size=20), st.data())
def test_whole_numbers_stay_apart_however_each_is_written(numbers, data) -> None:
    written = [str(number) + data.draw(st.sampled_from(["", ".0", ".000"])) for number in numbers]
    assert read_ids(written, "t") == [str(number) for number in numbers]


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("65", 65), ("65.5", 65.5), ("65,5", 65.5), ("045Y", 45), ("006M", 0.5), ("0", 0),
        ("120", 120),
    ],
)  # fmt: skip
def test_ages_that_are_known(text: str, years: float) -> None:
    assert read_age(text) == (pytest.approx(years), None)


@pytest.mark.parametrize(
    "text", [">89", "90+", "-1", "9999", "300", "inf", "1e2", "1_0", "old", "٣"]
)
def test_ages_that_are_not_known_are_counted(text: str) -> None:
    years, reason = read_age(text)
    assert math.isnan(years)
    assert reason == f"age not known: {text}"


def test_an_age_may_have_a_meaning_of_its_own() -> None:
    assert read_age("300", also=(300.0,)) == (300.0, None)


def test_sexes() -> None:
    assert [read_sex(word)[0] for word in ("M", "f", "Female", "male")] == [
        "male", "female", "female", "male",
    ]  # fmt: skip
    assert read_sex("Unknown") == ("", "sex not known: unknown")
    with pytest.raises(ValueError, match="woman"):
        read_sex("woman")


@pytest.mark.parametrize("text", ["1.5", "-1", "inf", "nan", "", "one", "1e1", "²"])
def test_a_fold_is_a_whole_number(text: str) -> None:
    assert read_fold("7.0") == 7
    with pytest.raises(ValueError, match="the fold"):
        read_fold(text)


def test_a_column_of_flags_is_told_from_one_of_codes() -> None:
    assert are_flags(["0", "1", "", "1.0", "True", "nan"])
    assert not are_flags(["0", "1", "2"])
    assert not are_flags(["", ""])
    with pytest.raises(ValueError, match="2"):
        read_flag("2")


def test_labels_of_a_cell() -> None:
    assert read_codes(" MI ; STTC;", ";") == {"MI": 100.0, "STTC": 100.0}
    assert read_codes("{'SR': 0.0, 'NORM': 80}", ";") == {"SR": 0.0, "NORM": 80.0}
    assert read_codes('{"SR": 35.0}', ";") == {"SR": 35.0}
    assert read_codes("['SR', 426783006]", ";") == {"SR": 100.0, "426783006": 100.0}
    assert read_codes('["SR"]', ";") == {"SR": 100.0}
    assert read_codes("{}", ";") == {}


@pytest.mark.parametrize(
    "text",
    [
        "{'SR': 100", "{'SR': 'yes'}", "{'SR': True}", "{'SR': None}", "{'SR': -1}", "{'SR': 101}",
        "{'SR': 1, 'SR': 2}", '{"SR": 1, "SR": 2}', "{'SR': 1, ' SR': 2}", "{**{}}", "[['SR']]",
        "[None]", "{1.5: 100}", "{'': 100}", '{"SR": NaN}', "[x]", "[" * 5000, "{'a': " * 3000,
    ],
)  # fmt: skip
def test_brackets_that_hold_no_labels_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_codes(text, ";")


@given(st.text(max_size=30))
def test_any_cell_is_read_or_refused(text: str) -> None:
    for read in (read_fold, read_flag, read_sex, lambda cell: read_codes(cell, ";")):
        try:
            read(text)
        except ValueError:
            continue
    read_age(text)


@given(st.dictionaries(st.text(st.characters(categories=["L"]), min_size=1), st.integers(0, 100)))
def test_a_dict_is_read_as_it_was_written(labels) -> None:
    labels = {k: v for k, v in labels.items() if read_ids([k], "t") != [""]}
    expected = {code: float(likelihood) for code, likelihood in labels.items()}
    assert read_codes(json.dumps(labels), ";") == expected
    assert read_codes(repr(labels), ";") == expected


def test_names_that_may_be_one() -> None:
    names = ["AFIB", "afib", "SR", "1", "1.0", "a  b", "a b", "SR2", "\u00e9", "e\u0301"]
    assert similar(names) == [
        ("AFIB", "afib"),
        ("1", "1.0"),
        ("a  b", "a b"),
        ("\u00e9", "e\u0301"),
    ]
