"""A folder of results: one JSON a cell, and its predictions beside it.

RESULTS/<task>/<row>/<protocol>@<variant>-seed0-draw0.json
RESULTS/<task>/<row>/<protocol>@<variant>-seed0-draw0.npz
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from ecgbench.base.errors import ResultError
from ecgbench.base.paths import atomic_write
from ecgbench.plugins.specs import plain_validation_error
from ecgbench.results.limits import RECORD_BYTES, load_json, read_plain_file
from ecgbench.results.migrations import migrate
from ecgbench.results.schema import SCHEMA_VERSION, Draft, Result

TODAYS = re.compile(rb'\s*\{\s*"schema_version"\s*:\s*%d\s*,' % SCHEMA_VERSION)
LONGEST_REASON = 2000  # characters that a message says of a record
LONGEST = 120  # characters of a path's component; file systems take 255 bytes


def path_of(folder: Path, cell: Draft | Result) -> Path:
    """The JSON file of a cell in a folder of results."""
    return folder / safe_name(cell.task.name) / safe_name(cell.row) / f"{stem_of(cell)}.json"


def stem_of(cell: Draft | Result) -> str:
    """File name, without ending, of a cell's result and of its predictions."""
    protocol = f"{cell.protocol.name}@{cell.protocol.variant}"
    return f"{safe_name(protocol)}-seed{cell.seed}-draw{cell.draw}"


def write_result(folder: Path, result: Result) -> Path:
    """Write a result; its predictions, if any, are written before (see ``predictions.py``).

    Returns:
        The JSON file.
    """
    path = path_of(folder, result)
    atomic_write(path, result.model_dump_json(indent=1) + "\n")
    return path


def read_result(path: Path) -> Result:
    """Read one result, of this or an older schema version.

    Raises:
        ResultError: It cannot be read, is of a later schema, or breaks the schema; says where.
    """
    try:
        return parse_result(read_plain_file(path, RECORD_BYTES))
    except ResultError as error:
        raise _named(path, error) from error


def parse_result(content: bytes) -> Result:
    """Read a result from its bytes; as :func:`read_result`."""
    try:
        if TODAYS.match(content):
            return Result.model_validate_json(content)  # twice as fast as by way of a dict
        return Result.model_validate_json(json.dumps(migrate(load_json(content))))
    except ValidationError as error:
        raise ResultError(f"It is no result: {plain_validation_error(error)}.") from error
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise ResultError(f"It is no result: {reason}.") from error


def read_results(folder: Path) -> Iterator[tuple[Path, Result]]:
    """Every result below a folder, in the order of their paths.

    Raises:
        ResultError: One cannot be read.
    """
    for path in sorted(folder.rglob("*.json")):
        yield path, read_result(path)


def check_json(path: Path) -> None:
    """See that every key of a record stands once, so that all readers of the file read the same.

    :func:`read_result` leaves this out, because it takes as long as building a table from the record.

    Raises:
        ResultError: A key stands twice, or a number is none of JSON.
    """
    try:
        load_json(read_plain_file(path, RECORD_BYTES))
    except (ValueError, RecursionError) as error:
        raise ResultError(f"{path}: It is no result: {error}.") from error
    except ResultError as error:
        raise _named(path, error) from error


def _named(path: Path, error: ResultError) -> ResultError:
    message = error.message.removeprefix(f"{path} ")
    return ResultError(f"{path}: {message[:LONGEST_REASON]}", error.hint)


def read_readable(folder: Path) -> tuple[list[tuple[Path, Result]], list[ResultError]]:
    """Every result below a folder that can be read, and an error for each of the others."""
    found, refused = [], []
    for path in sorted(folder.rglob("*.json")):
        try:
            found.append((path, read_result(path)))
        except ResultError as error:
            refused.append(error)
    return found, refused


def safe_name(name: str) -> str:
    """A name as one component of a path.

    What a shell or a file system may mind becomes ``-``. A name that had to be changed gets a piece of
    its hash, so that two names never share a path.
    """
    plain = re.sub(r"[^A-Za-z0-9@+=,_.%-]", "-", name).lstrip(".-")[:LONGEST] or "-"
    if plain == name:
        return plain
    return f"{plain}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"
