"""Whether the files of a method hold test signals: copies of them, or their hashes.

Looks for two things in every file of the method's folder and of the weights that its configuration reads:

- 16 bytes in a row of a test record, in each form in which a signal exists here: the counts of the store,
  the same in physical units, and the input that the method is given; as binary numbers or a list of counts;
- the MD5, SHA-1 or SHA-256 of a test record in one of these forms, as bytes or in hexadecimal.

A method can hide what it memorised from such a search, for example by other precision or compression of its
own. The control ``memorisation`` measures what a memory is good for.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import EcgbenchError
from ecgbench.data.dataset import Dataset
from ecgbench.data.prepare import find_store
from ecgbench.data.signals import SignalSpec, adapt
from ecgbench.data.spec import datasets
from ecgbench.plugins.catalogue import tasks

WINDOW, HEAD = 16, 8  # bytes
HASHES = ("md5", "sha1", "sha256")
Needles = dict[bytes, str]


def prepared_data() -> list[Dataset]:
    """The data sets on this machine that some task is tested on."""
    found: dict[str, Dataset] = {}
    for task in tasks.names():
        try:
            spec = datasets.get(tasks.get(task).dataset)
        except EcgbenchError:  # a broken task or data set of the user's is no fault of the method
            continue
        store = None if spec.name in found else find_store(spec)
        if store is not None and (store.manifest["splits"].get("test") or 0) > 0:
            found[spec.name] = Dataset(spec, store)
    return [found[name] for name in sorted(found)]


def needles_of(dataset: Dataset, spec: SignalSpec) -> Needles:
    """What must not occur in a file of a method, with the record that it comes from.

    Args:
        dataset: A prepared data set; its test records are looked for.
        spec: The input of the method.
    """
    rows = dataset.rows("test")
    ids = dataset.records.index.to_numpy(dtype=str)[rows]
    counts = np.asarray(dataset.store.signals[rows])
    adapted = np.asarray(adapt(dataset, spec, None, rows))
    forms: tuple[NDArray[np.generic], ...] = (
        counts,
        dataset.store.read(rows),
        adapted,
        adapted.astype(np.float32),
    )
    found: Needles = {}
    for place, record in enumerate(ids):
        said = f"{dataset.spec.name} record {record}"
        for form in forms:
            signal = np.ascontiguousarray(form[place])
            window = _telling(signal)
            if window is not None:
                found[window] = said
            for name in HASHES:
                digest = hashlib.new(name, signal.tobytes()).digest()
                found[digest[:WINDOW]] = f"{said} ({name})"
                found[digest.hex()[: 2 * WINDOW].encode()] = f"{said} ({name})"
        text = ",".join(map(str, _telling_counts(counts[place])))
        found[text.encode()] = said
    return found


def shipped_signals(files: Sequence[Path], needles: Mapping[bytes, str]) -> list[str]:
    """In words, which files hold which test record; one finding a file.

    Args:
        files: The files to search.
        needles: From :func:`needles_of`.
    """
    heads = np.unique(np.frombuffer(b"".join(needle[:HEAD] for needle in needles), "<u8"))
    lengths = sorted({len(needle) for needle in needles})
    found = []
    for file in files:
        for name, content in _contents(file):
            needle = _first(content, needles, heads, lengths)
            if needle is not None:
                found.append(f"{name} holds {needles[needle]}")
                break
    return found


def _telling(signal: NDArray[np.generic]) -> bytes | None:
    """The 16 bytes in a row with the most distinct values; None for a record without any variation."""
    lead = signal.reshape(-1)
    size = WINDOW // signal.itemsize
    windows = lead[: len(lead) // size * size].reshape(-1, size)
    distinct = (np.diff(np.sort(windows, axis=1), axis=1) != 0).sum(axis=1)
    best = int(distinct.argmax())
    return windows[best].tobytes() if distinct[best] >= size // 2 else None


def _telling_counts(signal: NDArray[np.generic]) -> list[int]:
    windows = signal.reshape(-1)[: signal.size // 12 * 12].reshape(-1, 12)
    distinct = (np.diff(np.sort(windows, axis=1), axis=1) != 0).sum(axis=1)
    return [int(value) for value in windows[int(distinct.argmax())]]


def _contents(file: Path) -> Iterator[tuple[str, bytes]]:
    """A file's bytes, and those of each member of an archive (``.npz``, ``.pt``)."""
    yield file.name, file.read_bytes()
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for member in archive.namelist():
                yield f"{file.name}/{member}", archive.read(member)


def _first(
    content: bytes, needles: Mapping[bytes, str], heads: NDArray[np.uint64], lengths: Sequence[int]
) -> bytes | None:
    """The first needle in some bytes: eight bytes that begin one are looked for, then all of it."""
    for text in (content, content.replace(b" ", b"")):
        for shift in range(min(HEAD, len(text) - HEAD + 1)):
            words = np.frombuffer(text, "<u8", (len(text) - shift) // HEAD, shift)
            place = np.searchsorted(heads, words).clip(max=len(heads) - 1)
            for start in np.flatnonzero(heads[place] == words) * HEAD + shift:
                for length in lengths:
                    if text[start : start + length] in needles:
                        return text[start : start + length]
        if b"\0" in content[:4096]:
            break  # no text, so there are no blanks between numbers
    return None
