"""A folder of results: one JSON a cell, and its predictions beside it.

RESULTS/<task>/<row>/<protocol>@<variant>-seed0-draw0.json
RESULTS/<task>/<row>/<protocol>@<variant>-seed0-draw0.npz
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from ecgbench.errors import ResultError
from ecgbench.paths import atomic_write
from ecgbench.plugins import plain_validation_error
from ecgbench.results.schema import Result


def path_of(folder: Path, result: Result) -> Path:
    """The JSON file of a result in a folder of results."""
    return folder / _safe(result.task.name) / _safe(result.row) / f"{stem_of(result)}.json"


def stem_of(result: Result) -> str:
    """File name, without ending, of a result and its predictions."""
    protocol = f"{result.protocol.name}@{result.protocol.variant}"
    return f"{_safe(protocol)}-seed{result.seed}-draw{result.draw}"


def write_result(folder: Path, result: Result) -> Path:
    """Write a result; its predictions, if any, are written before (see ``predictions.py``).

    Returns:
        The JSON file.
    """
    path = path_of(folder, result)
    atomic_write(path, result.model_dump_json(indent=1) + "\n")
    return path


def read_result(path: Path) -> Result:
    """Read one result.

    Raises:
        ResultError: It cannot be read, is of another schema, or breaks the schema; says where.
    """
    try:
        return Result.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        raise ResultError(f"{path} is no result: {plain_validation_error(error)}.") from error


def read_results(folder: Path) -> Iterator[tuple[Path, Result]]:
    """Every result below a folder, in the order of their paths."""
    for path in sorted(folder.rglob("*.json")):
        yield path, read_result(path)


def _safe(name: str) -> str:
    """A name as one component of a path: what a shell or a file system may mind becomes ``-``."""
    return re.sub(r"[^A-Za-z0-9@+=,_.-]", "-", name).lstrip(".-") or "-"
