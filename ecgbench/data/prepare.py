"""From WFDB files to a store: parallel, resumable, atomic, and nothing dropped in silence."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial as bind
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbench._version import __version__
from ecgbench.base.errors import DataError
from ecgbench.base.hashing import content_hash, file_sha256
from ecgbench.base.paths import atomic_write, plain_os_errors, stage_dir
from ecgbench.data.fetch import SUMS, Downloader, address_of, parse_sums
from ecgbench.data.intake import Intake, quantise, take
from ecgbench.data.layouts import Source, layout_of
from ecgbench.data.parallel import for_each
from ecgbench.data.processing import PROCESSINGS
from ecgbench.data.spec import DatasetSpec
from ecgbench.data.store import SIGNALS, Store, open_store, seal, write_label_sets

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 256  # records: about 30 MB at 500 Hz, a few seconds of work to lose
_SUFFIXES = (".hea", ".dat", ".mat")


@dataclass(frozen=True)
class _Plan:
    """What a worker needs to know: where from, where to, and what records must be.

    Attributes:
        folder: The source.
        target: The unfinished store.
        intake: What records must be.
        address: Where to download the files of a chunk that is streamed.
    """

    folder: Path
    target: Path
    intake: Intake
    address: str


@dataclass(frozen=True)
class _Chunk:
    """Records that one worker reads and writes to their place.

    Attributes:
        start: Place of the first record.
        paths: Their paths below the source.
        remote: Files to download before, and their SHA-256; empty where the source has them.
    """

    start: int
    paths: list[str]
    remote: dict[str, str] = field(default_factory=dict)


def prepare_store(
    spec: DatasetSpec,
    folder: Path,
    *,
    workers: int | None = None,
    rate: int | None = None,
    stream: str | None = None,
) -> Store:
    """Make the store of a data set, or open the one that was made from the same source.

    Args:
        spec: The catalogue entry.
        folder: The data as downloaded.
        workers: Processes; None: one per core.
        rate: Sampling rate to take where the folder holds several; None: the highest.
        stream: Base address of a server to download each chunk of records from, for as long as
            they are being read: the folder then needs the metadata alone.

    Raises:
        DataError: The folder is not what the entry says, or no record of it can be used.
        EcgbenchError: The disk is full or read-only.
    """
    from filelock import FileLock

    if not folder.is_dir():
        raise DataError(
            f"There is no folder {folder}.", f"Get the data: `ecgbench data fetch {spec.name}`."
        )
    source = layout_of(spec).open_source(spec, folder, rate)
    key = content_hash({"spec": spec.identity(), "source": _source_fingerprint(source)})
    stores = stage_dir("stores")
    with plain_os_errors(stores):
        stores.mkdir(parents=True, exist_ok=True)
        partial = stores / f".{spec.name}-{spec.version}-{key[:12]}.partial"
        lock = FileLock(str(partial.with_suffix(".lock")))
        with lock:
            made = find_store(spec, key)
            return made if made else _build(spec, source, key, partial, workers, stream)


def find_store(spec: DatasetSpec, key: str | None = None) -> Store | None:
    """The newest store of this data set and version; with ``key``, the one made from that source."""
    folders = stage_dir("stores").glob(f"{spec.name}-{spec.version}-*")
    manifests = [folder / "manifest.json" for folder in folders]
    present = [file for file in manifests if file.is_file()]
    for file in sorted(present, key=lambda file: file.stat().st_mtime_ns, reverse=True):
        manifest = json.loads(file.read_text(encoding="utf-8"))
        same = manifest["dataset"] == spec.name and manifest["version"] == spec.version
        if same and (key is None or manifest["source"]["key"] == key):
            return open_store(file.parent)
    return None


def _build(
    spec: DatasetSpec,
    source: Source,
    key: str,
    partial: Path,
    workers: int | None,
    stream: str | None,
) -> Store:
    address = "" if stream is None else address_of(spec, stream)
    plan = _Plan(source.folder, partial, _intake(spec, source), address)
    partial.mkdir(exist_ok=True)
    with (partial / SIGNALS).open("ab") as file:
        file.truncate(len(source.records) * plan.intake.record_bytes)
    chunks = _chunks(source, streamed=stream is not None)
    missing = [chunk for chunk in chunks if not _is_done(plan, chunk)]
    for_each(bind(_do_chunk, plan), missing, f"preparing {spec.name}", workers)
    reasons, derived = _gather(plan, chunks, source.records.index)
    records = _write_index(spec, source, partial, reasons)
    content = _manifest(spec, source, key, plan.intake, records)
    content |= {"quarantined": dict(Counter(_kind(reason) for reason in reasons.values()))}
    manifest = seal(partial, {**content, "derived_leads": derived}, records)
    target = partial.parent / f"{spec.name}-{spec.version}-{manifest['fingerprint'][:12]}"
    if target.exists():  # the same content from another source: keep one, know it by the newer key
        shutil.rmtree(target)
    partial.replace(target)
    return open_store(target)


def _intake(spec: DatasetSpec, source: Source) -> Intake:
    stored_rate = PROCESSINGS[source.processing][1] if source.processing else round(source.rate)
    return Intake(
        leads=spec.leads,
        rate=source.rate,
        stored_rate=stored_rate,
        seconds=spec.seconds,
        min_seconds=spec.min_seconds,
        units="mV" if source.processing else spec.units,
        processing=source.processing,
        derive_limb_leads=spec.derive_limb_leads,
    )


def _chunks(source: Source, *, streamed: bool) -> list[_Chunk]:
    paths = list(source.records["path"])
    parts = [(start, paths[start : start + CHUNK]) for start in range(0, len(paths), CHUNK)]
    if not streamed:
        return [_Chunk(start, part) for start, part in parts]
    file = source.folder / SUMS
    if not file.is_file():
        raise DataError(f"{source.folder} has no {SUMS}.", "Run `ecgbench data fetch` first.")
    sums = parse_sums(file.read_text(encoding="utf-8"), str(file))
    return [_Chunk(start, part, _remote_files(part, sums)) for start, part in parts]


def _remote_files(paths: list[str], sums: dict[str, str]) -> dict[str, str]:
    names = (path + suffix for path in paths for suffix in _SUFFIXES)
    return {name: sums[name] for name in names if name in sums}


def _source_fingerprint(source: Source) -> str:
    """Tell sources apart without reading signals: what records are, and how large their files."""
    sizes = []
    for path in source.records["path"]:
        for suffix in ("", *_SUFFIXES):
            try:
                sizes.append([path + suffix, (source.folder / (path + suffix)).stat().st_size])
            except OSError:
                continue
    records = hashlib.sha256(source.records.to_json(orient="split").encode()).hexdigest()
    labels = [label_set.to_json() for label_set in source.label_sets.values()]
    return content_hash([source.signals, source.rate, source.processing, records, labels, sizes])


# One chunk ---------------------------------------------------------------------------------------


def _do_chunk(plan: _Plan, chunk: _Chunk) -> None:
    """Read records, write their counts to their place, then the note that this chunk is done."""
    shape = (len(chunk.paths), len(plan.intake.leads), plan.intake.samples)
    counts = np.zeros(shape, dtype="<i2")
    scale = np.zeros(shape[:2], dtype=np.float32)
    lengths = np.zeros(shape[0], dtype=np.int32)
    reasons: dict[str, str] = {}
    derived = 0
    with _files(plan, chunk) as folder:
        for row, path in enumerate(chunk.paths):
            try:
                taken = take(plan.intake, folder / path)
            except DataError as error:
                reasons[str(row)] = error.message
                continue
            lengths[row] = taken.signals.shape[1]
            counts[row, :, : lengths[row]], scale[row] = quantise(taken.signals, taken.gains)
            derived += bool(taken.derived)
    with (plan.target / SIGNALS).open("r+b") as file:
        file.seek(chunk.start * plan.intake.record_bytes)
        file.write(counts.tobytes())
    note = {
        "records": len(chunk.paths),
        "sha256": hashlib.sha256(counts.tobytes()).hexdigest(),
        "scale": scale.astype(float).tolist(),
        "lengths": lengths.tolist(),
        "reasons": reasons,
        "derived": derived,
    }
    atomic_write(_note_file(plan, chunk), json.dumps(note))


@contextmanager
def _files(plan: _Plan, chunk: _Chunk) -> Iterator[Path]:
    """The folder that holds a chunk's records: the source, or a download that goes afterwards."""
    if not chunk.remote:
        yield plan.folder
        return
    with tempfile.TemporaryDirectory(dir=plan.target) as scratch:
        folder = Path(scratch)
        Downloader(plan.address).get_all(folder, chunk.remote, workers=8)
        yield folder


# All chunks --------------------------------------------------------------------------------------


def _note_file(plan: _Plan, chunk: _Chunk) -> Path:
    return plan.target / "chunks" / f"{chunk.start:09d}.json"


def _is_done(plan: _Plan, chunk: _Chunk) -> bool:
    """Whether an earlier, interrupted run has written this chunk, and its bytes are still there."""
    file = _note_file(plan, chunk)
    if not file.is_file():
        return False
    note = json.loads(file.read_text(encoding="utf-8"))
    with (plan.target / SIGNALS).open("rb") as signals:
        signals.seek(chunk.start * plan.intake.record_bytes)
        written = signals.read(len(chunk.paths) * plan.intake.record_bytes)
    return bool(hashlib.sha256(written).hexdigest() == note["sha256"])


def _gather(plan: _Plan, chunks: list[_Chunk], ids: pd.Index[str]) -> tuple[dict[str, str], int]:
    """Close the gaps that quarantined records leave; write scale and lengths.

    Returns:
        Record id -> reason of each quarantined record; number of records with derived leads.
    """
    derived = 0
    reasons: dict[str, str] = {}
    scales, lengths = [], []
    size = plan.intake.record_bytes
    with (plan.target / SIGNALS).open("r+b") as file:
        position = 0
        for chunk in chunks:
            note = json.loads(_note_file(plan, chunk).read_text(encoding="utf-8"))
            derived += note["derived"]
            kept = [row for row in range(len(chunk.paths)) if str(row) not in note["reasons"]]
            for row, why in note["reasons"].items():
                reasons[str(ids[chunk.start + int(row)])] = why
            scales += [note["scale"][row] for row in kept]
            lengths += [note["lengths"][row] for row in kept]
            for row in kept:
                if position != chunk.start + row:
                    file.seek((chunk.start + row) * size)
                    record = file.read(size)
                    file.seek(position * size)
                    file.write(record)
                position += 1
        file.truncate(position * size)
    if not scales:
        why = Counter(_kind(reason) for reason in reasons.values()).most_common(1)
        raise DataError(
            f"No record in {plan.folder} can be used" + (f" ({why[0][0]})." if why else "."),
            "Is this the folder of the data set, with its signals?",
        )
    np.save(plan.target / "scale.npy", np.array(scales, dtype=np.float32))
    np.save(plan.target / "lengths.npy", np.array(lengths, dtype=np.int32))
    shutil.rmtree(plan.target / "chunks")
    return reasons, derived


def _kind(reason: str) -> str:
    """What reasons are counted by: ``flat: V1`` is ``flat``."""
    return reason.partition(":")[0]


def _write_index(
    spec: DatasetSpec, source: Source, folder: Path, reasons: dict[str, str]
) -> pd.DataFrame:
    import pandas as pd

    records = source.records[~source.records.index.isin(list(reasons))].drop(columns="path")
    splits = [spec.splits.of_fold(int(fold)) or "" for fold in records["fold"]]
    records.insert(2, "split", splits)
    records.reset_index().to_parquet(folder / "records.parquet", index=False)
    quarantine = pd.DataFrame({"record_id": list(reasons), "reason": list(reasons.values())})
    quarantine.to_csv(folder / "quarantine.csv", index=False)
    write_label_sets(folder, source.label_sets)
    return records


def _manifest(
    spec: DatasetSpec,
    source: Source,
    key: str,
    intake: Intake,
    records: pd.DataFrame,
) -> dict[str, Any]:
    return {
        "dataset": spec.name,
        "version": spec.version,
        "spec": spec.identity(),
        "leads": list(intake.leads),
        "rate": intake.stored_rate,
        "samples": intake.samples,
        "units": spec.units,
        "records": len(records),
        "patients": int(records["patient_id"].nunique()),
        "splits": {
            str(name): int(count) for name, count in records["split"].value_counts().items()
        },
        "source": {
            "key": key,
            "signals": source.signals,
            "rate": source.rate,
            "processing": source.processing,
            "metadata": {file.name: file_sha256(file) for file in source.metadata},
        },
        "made_with": {"ecgbench": __version__, "numpy": np.__version__},
    }
