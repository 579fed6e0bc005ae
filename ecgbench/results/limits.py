"""Bounds for files that others wrote: a record is read in bounded time and memory, or refused.

A file is opened only where it is a plain file of bounded size: no symbolic link, no device, no pipe. JSON
holds each key once and no number that JSON lacks or that a float cannot hold.
"""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

from ecgbench.base.errors import ResultError

RECORD_BYTES = 16 * 2**20
"""Of one record; 23 classes and 1,000 resamples take 50 kB."""
LEDGER_BYTES = 64 * 2**20
LONGEST_TEXT = 10_000
"""Characters of any text in a record, e.g. a reason."""
DEPTH = 16
"""Of nested settings and choices in a record."""
NODES = 20_000
"""Values in the settings, and in the choices, of a record."""


def read_plain_file(path: Path, most: int) -> bytes:
    """The content of a plain file.

    Args:
        path: The file.
        most: Bytes that it may have.

    Raises:
        ResultError: It cannot be read, is a link or no plain file, or is larger.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        reason = "it is a symbolic link" if path.is_symlink() else error.strerror
        raise ResultError(f"{path} cannot be read: {reason}.") from error
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        os.close(descriptor)
        raise ResultError(f"{path} cannot be read: it is no plain file.")
    with os.fdopen(descriptor, "rb") as file:
        if state.st_size > most:
            raise ResultError(f"{path} has {state.st_size:,} bytes; {most:,} are allowed.")
        return file.read(most)


def load_json(content: bytes) -> Any:
    """JSON in which every key stands once and every number is finite.

    Raises:
        ValueError: It is no such JSON.
        RecursionError: It is nested too deep.
    """
    return json.loads(
        content, object_pairs_hook=_once, parse_constant=_refused, parse_float=_finite
    )


def bounded(value: dict[str, Any]) -> dict[str, Any]:
    """See that nested settings hold plain values, and not too many.

    Raises:
        ValueError: A value is nested too deep, not finite or too long, or there are too many.
    """
    level: list[Any] = [value]
    count = 0
    for _ in range(DEPTH):
        count += len(level)
        if count > NODES:
            raise ValueError(f"more than {NODES:,} values")
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += [*item, *item.values()]
            elif isinstance(item, (list, tuple)):
                below += item
            elif isinstance(item, float) and not math.isfinite(item):
                raise ValueError(f"{item} is no number")
            elif isinstance(item, str) and len(item) > LONGEST_TEXT:
                raise ValueError(f"a text of {len(item):,} characters")
        if not below:
            return value
        level = below
    raise ValueError(f"nested deeper than {DEPTH} levels")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {double[:80]!r} stands twice in one object")
    return found


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:80]} is too large for a number")
    return value
