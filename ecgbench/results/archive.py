"""Arrays from an archive that someone else wrote: examined before they are read.

Only members of known names are read. Each says its type and shape in its first bytes; both are checked, and
the size that they imply, before an array is expanded. So an archive of some megabytes cannot take
gigabytes of memory.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import ResultError
from ecgbench.results.limits import read_plain_file

ARCHIVE_BYTES = 256 * 2**20
EXPANDED_BYTES = 2**30
HEADER_CHARACTERS = 1000
MOST_CHARACTERS = 10_000  # of one text, e.g. a generated report

Array = NDArray[Any]


def read_arrays(path: Path, members: Mapping[str, str]) -> dict[str, Array]:
    """Read an archive of arrays.

    Args:
        path: A ``.npz`` file.
        members: The names that may stand in it, and the type of each: ``text`` or a NumPy name.

    Raises:
        ResultError: It cannot be read, or a member has another name, type or a size beyond all bounds.
    """
    content = read_plain_file(path, ARCHIVE_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            unknown = [
                e.filename for e in entries if e.filename.removesuffix(".npy") not in members
            ]
            if unknown or len({entry.filename for entry in entries}) < len(entries):
                named = unknown[0] if unknown else "one name twice"
                raise ResultError(f"{path} holds no predictions: its archive has {named[:80]!r}.")
            total = sum(entry.file_size for entry in entries)
            if total > EXPANDED_BYTES:
                raise ResultError(
                    f"{path} expands to {total:,} bytes; {EXPANDED_BYTES:,} are allowed."
                )
            names = {entry: entry.filename.removesuffix(".npy") for entry in entries}
            return {
                name: _array(archive, entry, members[name], f"{path} holds no predictions: {name}")
                for entry, name in names.items()
            }
    except ResultError:
        raise
    except Exception as error:  # a hostile file may fail in any way
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ResultError(f"{path} holds no predictions: {reason}.") from error


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, kind: str, where: str) -> Array:
    with archive.open(entry) as member:
        version = np.lib.format.read_magic(member)
        if version != (1, 0):
            raise ResultError(f"{where} is no plain array.")
        shape, _, dtype = np.lib.format.read_array_header_1_0(member, HEADER_CHARACTERS)
    if kind == "text":
        if dtype.kind != "U" or dtype.itemsize > 4 * MOST_CHARACTERS:
            raise ResultError(
                f"{where} holds {dtype}, not texts of at most {MOST_CHARACTERS:,} characters."
            )
    elif dtype != np.dtype(kind):
        raise ResultError(f"{where} are {dtype}, not {kind}.")
    if math.prod(shape) * dtype.itemsize > entry.file_size:
        raise ResultError(f"{where} says {shape} values of {dtype}; the archive has fewer.")
    with archive.open(entry) as member:
        found: Array = np.lib.format.read_array(
            member, allow_pickle=False, max_header_size=HEADER_CHARACTERS
        )
    return found
