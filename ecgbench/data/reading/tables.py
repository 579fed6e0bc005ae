"""Read a table from a spreadsheet: all cells are text, and every row must fit the header.

pandas silently fills short rows, uses the first column of a table with trailing commas as the index, and
renames duplicate columns. This can change a label or an id. Python's own ``csv`` module reports every row, so
a row that does not fit the header is refused with its line number.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecgbench.base.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = (",", ";", "\t", "|")
LINE = "line"
"""Name of the index of a table that was read: the line of the file, counted from 1."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_table(
    file: Path,
    required: Sequence[str],
    encoding: str | None = None,
    wanted: Callable[[str], bool] = bool,
) -> pd.DataFrame:
    """Read a table with a header line; every cell is text, without blanks around it.

    Args:
        file: Comma, semicolon, tab or ``|`` between cells; the one that gives the header all
            ``required`` columns.
        required: Names of columns that must be there.
        encoding: As Python names it; None: UTF-8, or what the byte order mark says.
        wanted: Says of the name of a column whether to keep it; all that have a name unless given.

    Returns:
        Columns of str, indexed by the line of the file that each row ends on.

    Raises:
        DataError: The file is missing, has another encoding or no such column, a wanted column
            stands in the header twice, or a row has more or fewer cells than the header. One line
            that names the file, the line and the remedy.
    """
    import pandas as pd

    text = _text(file, encoding)
    separator = _separator(text, required, file)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = _header(reader, file)
        names = _wanted(header, required, wanted, file)
        places = [header.index(name) for name in names]
        lines: list[int] = []
        columns: list[list[str]] = [[] for _ in places]
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            _check_row(row, len(header), reader.line_num, file)
            lines.append(reader.line_num)
            for column, place in zip(columns, places, strict=True):
                column.append(row[place].strip())
    except csv.Error as error:
        raise DataError(
            f"{file}, line {reader.line_num}: {error}.", "Is a quotation mark left open?"
        ) from error
    content = dict(zip(names, columns, strict=True))
    return pd.DataFrame(content, index=pd.Index(lines, name=LINE), dtype=object)


def _text(file: Path, encoding: str | None) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"Cannot read {file}: {error.strerror or error}.") from error
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    chosen = marked or encoding or "utf-8"
    try:
        text = data.decode(chosen)
    except LookupError as error:
        raise DataError(
            f"There is no encoding {encoding!r} to read {file} with.", "Try utf-8 or cp1252."
        ) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _other_encoding(file, line, chosen, data) from error
    if "\0" in text:  # UTF-16 without a mark is valid UTF-8, full of zeros
        raise _other_encoding(file, text.count("\n", 0, text.index("\0")) + 1, chosen, data)
    return text


def _other_encoding(file: Path, line: int, tried: str, data: bytes) -> DataError:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:100_000]).best()
    guess = f" It looks like {best.encoding}." if best else ""
    return DataError(
        f"{file}, line {line}: the text is not {tried}.{guess}",
        "Save it as UTF-8, or name the encoding in the YAML file: `options: {encoding: ...}`.",
    )


def _separator(text: str, required: Sequence[str], file: Path) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    best = ","
    for candidate in SEPARATORS:
        cells = {cell.strip().strip('"').strip() for cell in first.split(candidate)}
        if set(required) <= cells:
            return candidate
        if first.count(candidate) > first.count(best):
            best = candidate
    if not first:
        raise DataError(f"{file} is empty.", "The first line names the columns.")
    return best


def _header(reader: Iterator[list[str]], file: Path) -> list[str]:
    for row in reader:
        if any(cell.strip() for cell in row):
            names = [cell.strip() for cell in row]
            while names and not names[-1]:
                names.pop()
            return names
    raise DataError(f"{file} is empty.", "The first line names the columns.")


def _wanted(
    header: list[str], required: Sequence[str], wanted: Callable[[str], bool], file: Path
) -> list[str]:
    for name in required:
        if name not in header:
            raise DataError(f"{file} has no column {name!r}.", did_you_mean(name, header))
    names = [name for name in dict.fromkeys(header) if wanted(name)]
    twice = [name for name in names if header.count(name) > 1]
    if twice:
        raise DataError(
            f"{file} has two columns {twice[0]!r}.", "Rename or delete one of the columns."
        )
    return names


def _check_row(row: list[str], cells: int, line: int, file: Path) -> None:
    if len(row) >= cells and not any(cell.strip() for cell in row[cells:]):
        return
    raise DataError(
        f"{file}, line {line}: {len(row)} cells, but the header has {cells} columns.",
        "Put text with a separator in it into quotation marks.",
    )
