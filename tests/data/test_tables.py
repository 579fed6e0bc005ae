"""Tables as spreadsheets save them: read, or refused in one line with file, line and remedy."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbench.base.errors import DataError
from ecgbench.data.reading.tables import read_table

TEXT = "id,path,dx\n1,a,SR\n2,b,é\n"
ROWS = [["1", "a", "SR"], ["2", "b", "é"]]


def read(folder: Path, data: bytes | str, **more: object) -> list[list[str]]:
    file = folder / "t.csv"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_table(file, ["id", "path"], **more).to_numpy().tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marked_encodings_are_read(tmp_path, encoding) -> None:
    assert read(tmp_path, TEXT.encode(encoding)) == ROWS


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "utf-16-be"])
def test_other_encodings_are_refused_unless_they_are_named(tmp_path, encoding) -> None:
    data = TEXT.encode(encoding)
    with pytest.raises(DataError, match=r"t\.csv, line \d: the text is not utf-8") as caught:
        read(tmp_path, data)
    assert "encoding" in str(caught.value.hint)
    assert "\n" not in caught.value.message
    assert read(tmp_path, data, encoding=encoding) == ROWS


def test_an_encoding_that_does_not_exist(tmp_path) -> None:
    with pytest.raises(DataError, match="no encoding 'utf-88'"):
        read(tmp_path, TEXT, encoding="utf-88")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_separator_is_the_one_that_finds_the_columns(tmp_path, separator, end) -> None:
    text = TEXT.replace(",", separator).replace("\n", end)
    assert read(tmp_path, text) == ROWS


def test_trailing_commas_shift_nothing(tmp_path) -> None:
    for text in ("id,path,dx\n1,a,SR,\n2,b,é,,\n", "id,path,dx,\n1,a,SR,\n2,b,é,\n"):
        assert read(tmp_path, text) == ROWS


def test_blank_lines_and_a_column_without_a_name(tmp_path) -> None:
    text = "\n,id,path,dx\n\n0,1,a,SR\n , , ,\n1,2,b,é\n\n"
    assert read(tmp_path, text) == ROWS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,path,dx\n1,a,SR\n2,b\n", r"line 3: 2 cells, but the header has 3"),
        ("id,path,dx\n1,a,SR,AFIB\n", r"line 2: 4 cells, but the header has 3"),
        ("id,path,id\n1,a,SR\n", "two columns 'id'"),
        ("id,dx\n1,SR\n", "no column 'path'"),
        ('id,path,dx\n1,a,"SR\n2,b,x\n', "line 3: unexpected end of data"),
        ("", "is empty"),
        ("\n\n", "is empty"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(tmp_path, text, message) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_a_table_that_is_not_there(tmp_path) -> None:
    with pytest.raises(DataError, match="Cannot read"):
        read_table(tmp_path / "none.csv", ["id"])


_CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).map(str.strip)


@given(
    st.lists(st.tuples(_CELL, _CELL, _CELL).filter(any), max_size=6),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_a_table_is_read_as_it_was_written(tmp_path_factory, rows, separator, encoding) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows([("id", "path", "dx"), *rows])
    folder = tmp_path_factory.getbasetemp()
    assert read(folder, out.getvalue().encode(encoding)) == [list(row) for row in rows]
