"""Chunks of records that workers write into a store, each with a note of its content."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError
from ecgbench.base.paths import atomic_write
from ecgbench.data.checks.whole import check_amplitudes, check_limb_leads
from ecgbench.data.fetch import Downloader
from ecgbench.data.intake import Intake, quantise, take
from ecgbench.data.store import SIGNALS

_LOOKED_AT = 50  # records with interchanged limb leads that are searched for the right order
_LIMB = "limb leads"


@dataclass(frozen=True)
class Plan:
    """The folders of a worker and the requirements for records.

    Attributes:
        folder: The source.
        target: The unfinished store.
        intake: The requirements.
        address: Where to download the files of a chunk that is streamed.
    """

    folder: Path
    target: Path
    intake: Intake
    address: str


@dataclass(frozen=True)
class Chunk:
    """Records that one worker reads and writes.

    Attributes:
        start: Place of the first record.
        paths: Their paths below the source.
        remote: Files to download before, and their SHA-256; empty where the source has them.
    """

    start: int
    paths: list[str]
    remote: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Read:
    """The outcome of reading all records, by position in the source.

    Attributes:
        reasons: Reason of each quarantined record.
        doubts: Doubt about each doubtful record.
        counts: How many were ``cut`` and ``derived``, and ``resampled``: how many from each rate.
    """

    reasons: dict[int, str]
    doubts: dict[int, tuple[str, ...]]
    counts: dict[str, Any]


def kind(reason: str) -> str:
    """The word that reasons are counted by: ``flat: V1`` is ``flat``."""
    return reason.partition(":")[0]


def do_chunk(plan: Plan, chunk: Chunk) -> None:
    """Read records, write their counts, then write the note that the chunk is complete."""
    shape = (len(chunk.paths), len(plan.intake.leads), plan.intake.samples)
    counts = np.zeros(shape, dtype="<i2")
    scale = np.zeros(shape[:2], dtype=np.float32)
    lengths = np.zeros(shape[0], dtype=np.int32)
    records: list[dict[str, Any]] = []
    with _files(plan, chunk) as folder:
        for row, path in enumerate(chunk.paths):
            try:
                taken = take(plan.intake, folder / path)
            except DataError as error:
                records.append({"reason": error.message})
                continue
            lengths[row] = taken.signals.shape[1]
            counts[row, :, : lengths[row]], scale[row] = quantise(taken.signals, taken.gains)
            records.append(
                {
                    "amplitude": taken.amplitude,
                    "derived": bool(taken.derived),
                    "cut": taken.cut,
                    "from": taken.resampled_from,
                    "doubts": taken.doubts,
                }
            )
    with (plan.target / SIGNALS).open("r+b") as file:
        file.seek(chunk.start * plan.intake.record_bytes)
        file.write(counts.tobytes())
    note = {
        "sha256": hashlib.sha256(counts.tobytes()).hexdigest(),
        "scale": scale.astype(float).tolist(),
        "lengths": lengths.tolist(),
        "records": records,
    }
    atomic_write(_note_file(plan, chunk), json.dumps(note))


@contextmanager
def _files(plan: Plan, chunk: Chunk) -> Iterator[Path]:
    """The folder of a chunk's records: the source, or a temporary download."""
    if not chunk.remote:
        yield plan.folder
        return
    with tempfile.TemporaryDirectory(dir=plan.target) as scratch:
        folder = Path(scratch)
        Downloader(plan.address).get_all(folder, chunk.remote, workers=8)
        yield folder


def _note_file(plan: Plan, chunk: Chunk) -> Path:
    return plan.target / "chunks" / f"{chunk.start:09d}.json"


def is_done(plan: Plan, chunk: Chunk) -> bool:
    """Whether an interrupted run wrote this chunk completely and its bytes still exist."""
    file = _note_file(plan, chunk)
    if not file.is_file():
        return False
    note = json.loads(file.read_text(encoding="utf-8"))
    with (plan.target / SIGNALS).open("rb") as signals:
        signals.seek(chunk.start * plan.intake.record_bytes)
        written = signals.read(len(chunk.paths) * plan.intake.record_bytes)
    return bool(hashlib.sha256(written).hexdigest() == note["sha256"])


def gather(plan: Plan, chunks: Sequence[Chunk], ids: Sequence[str]) -> Read:
    """Check the records as a whole, close the gaps of quarantined ones; write scale and lengths.

    Raises:
        DataError: No record can be used, or most share a fault that the data set's entry can mend.
    """
    notes = [json.loads(_note_file(plan, chunk).read_text(encoding="utf-8")) for chunk in chunks]
    records = [record for note in notes for record in note["records"]]
    kept = [row for row, record in enumerate(records) if "reason" not in record]
    reasons = {row: records[row]["reason"] for row in range(len(records)) if row not in set(kept)}
    if not kept:
        raise _none_usable(plan.folder, reasons, ids)
    scales = np.concatenate([np.array(note["scale"], dtype=np.float32) for note in notes])
    _check_whole(plan, records, kept, scales)
    _close_gaps(plan, kept)
    lengths = np.concatenate([np.array(note["lengths"], dtype=np.int32) for note in notes])
    np.save(plan.target / "scale.npy", scales[kept])
    np.save(plan.target / "lengths.npy", lengths[kept])
    shutil.rmtree(plan.target / "chunks")
    rates = Counter(f"{records[row]['from']:g}" for row in kept if records[row]["from"])
    counts = {
        "cut": sum(records[row]["cut"] for row in kept),
        "derived": sum(records[row]["derived"] for row in kept),
        "resampled": dict(sorted(rates.items())),
    }
    doubts = {row: tuple(records[row]["doubts"]) for row in kept if records[row]["doubts"]}
    return Read(reasons, doubts, counts)


def _none_usable(folder: Path, reasons: dict[int, str], ids: Sequence[str]) -> DataError:
    hint = "Is this the folder of the data set, with its signals?"
    if not reasons:
        return DataError(f"No record in {folder} can be used.", hint)
    counts = Counter(kind(reason) for reason in reasons.values()).most_common()
    counted = ", ".join(f"{count:,} {name}" for name, count in counts)
    first = min(reasons)
    return DataError(
        f"No record in {folder} can be used ({counted}). The first, {ids[first]}: {reasons[first]}.",
        hint,
    )


def _check_whole(
    plan: Plan,
    records: Sequence[dict[str, Any]],
    kept: Sequence[int],
    scales: npt.NDArray[np.float32],
) -> None:
    check_amplitudes([records[row]["amplitude"] for row in kept], plan.intake.units)
    broken = [row for row in kept if _LIMB in map(kind, records[row]["doubts"])]
    shape = (len(records), len(plan.intake.leads), plan.intake.samples)
    if not broken or plan.intake.processing:
        return
    signals = np.memmap(plan.target / SIGNALS, dtype="<i2", mode="r", shape=shape)
    check_limb_leads(
        [signals[row] * scales[row][:, None] for row in broken[:_LOOKED_AT]],
        plan.intake.leads,
        len(broken),
        len(kept),
    )


def _close_gaps(plan: Plan, kept: Sequence[int]) -> None:
    size = plan.intake.record_bytes
    with (plan.target / SIGNALS).open("r+b") as file:
        for position, row in enumerate(kept):
            if position != row:
                file.seek(row * size)
                record = file.read(size)
                file.seek(position * size)
                file.write(record)
        file.truncate(len(kept) * size)
