"""What a source holds, by content: two folders are the same source where their bytes are the same.

Sizes and times are never the answer: files rewritten in another unit keep their sizes, and a copied
folder keeps its times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from ecgbench.base.code import code_address
from ecgbench.base.errors import DataError
from ecgbench.base.hashing import content_hash, file_sha256
from ecgbench.base.progress import track
from ecgbench.data.fetch import SUMS, parse_sums
from ecgbench.data.intake import Intake
from ecgbench.data.layouts import Source
from ecgbench.data.reading.headers import body_of, header_text
from ecgbench.data.spec import DatasetSpec

SUFFIXES = (".hea", ".dat", ".mat")
_NESTED = 3  # headers of segments of headers: more is a circle


@dataclass(frozen=True)
class Keys:
    """Hashes of the inputs of a store.

    Attributes:
        signals: Records, the content of their files, the requirements for them and the code that
            reads them: stores with the same key hold the same signals and quarantine.
        whole: That, and labels, splits and all else of the index.
        content: The content of the records' files alone; '' for a stream, which keeps none of them.
    """

    signals: str
    whole: str
    content: str


def reading_code() -> str:
    """Address of the code that turns the files of records into signals."""
    return code_address("ecgbench.data.prepare")


def preparing_code(spec: DatasetSpec) -> str:
    """Address of all code between the folder of a data set and its store."""
    layout = f"ecgbench.data.layouts.{spec.layout.replace('-', '_')}"
    return content_hash([reading_code(), code_address(layout)])


def keys_of(spec: DatasetSpec, source: Source, intake: Intake, sums: dict[str, str]) -> Keys:
    """Hash the inputs of a store; reads every signal file.

    Args:
        spec: The catalogue entry.
        source: Its folder.
        intake: The requirements for its records.
        sums: For a stream: SHA-256 of the files that are not downloaded yet, by path.
    """
    records = source.records
    content = content_hash(_digests(source, sums))
    signals = content_hash(
        {
            "records": [list(map(str, records.index)), list(records["path"])],
            "content": content,
            "intake": asdict(intake),
            "code": reading_code(),
        }
    )
    whole = content_hash(
        {
            "signals": signals,
            "spec": spec.state(),
            "code": preparing_code(spec),
            "source": [source.signals, source.rate, source.processing],
            "index": hashlib.sha256(records.to_json(orient="split").encode()).hexdigest(),
            "labels": [label_set.to_json() for label_set in source.label_sets.values()],
            "told": [list(source.notes), sorted(source.doubts.items())],
        }
    )
    return Keys(signals, whole, "" if sums else content)


def content_of(source: Source) -> str:
    """One hash of the content of every record's files."""
    return content_hash(_digests(source, {}))


def read_sums(folder: Path) -> dict[str, str]:
    """The hashes that a download brought along.

    Raises:
        DataError: There are none.
    """
    file = folder / SUMS
    if not file.is_file():
        raise DataError(f"{folder} has no {SUMS}.", "Run `ecgbench data fetch` first.")
    return parse_sums(file.read_text(encoding="utf-8"), str(file))


def _digests(source: Source, sums: dict[str, str]) -> list[str]:
    """One hash for each record, in order, of the names and bytes of its files."""

    def digest(path: str) -> str:
        found = {name: _sha256(file) for name, file in _files_of(source.folder, path)}
        listed = {path + suffix: sums.get(path + suffix) for suffix in SUFFIXES}
        return content_hash([found, {name: sha for name, sha in listed.items() if sha}])

    with ThreadPoolExecutor(max_workers=8) as pool:
        paths = list(source.records["path"])
        return list(track(pool.map(digest, paths), "hashing signals", total=len(paths)))


def _sha256(file: Path) -> str:
    try:
        return file_sha256(file)
    except (OSError, ValueError) as error:
        return f"unreadable: {getattr(error, 'strerror', None) or error}"


def _files_of(folder: Path, path: str, depth: int = 0) -> Iterator[tuple[str, Path]]:
    """Names and places of a record's files: the array; or the header and what the header names."""
    record = folder / path
    if record.suffix == ".npy":
        yield path, record
        return
    yield path + ".hea", record.with_name(record.name + ".hea")
    try:
        lines = body_of(header_text(record))[1:]
    except DataError:
        return
    for name in dict.fromkeys(line.split()[0] for line in lines):
        if name == "~":
            continue
        if Path(name).suffix or depth >= _NESTED:
            yield name, record.parent / name
        else:  # a segment
            inner = Path(path).parent / name
            yield from _files_of(folder, inner.as_posix(), depth + 1)
