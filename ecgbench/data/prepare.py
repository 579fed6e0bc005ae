"""From WFDB files to a store: parallel, resumable, atomic, and nothing dropped in silence."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ecgbench._version import __version__
from ecgbench.data.layouts import Source, layout_of
from ecgbench.data.leads import lead_positions
from ecgbench.data.processing import PROCESSINGS
from ecgbench.data.recording import read_recording
from ecgbench.data.spec import DatasetSpec
from ecgbench.data.store import SIGNALS, Store, open_store, seal, write_label_sets
from ecgbench.errors import DataError
from ecgbench.hashing import content_hash, file_sha256
from ecgbench.paths import atomic_write, plain_os_errors, stage_dir
from ecgbench.progress import track

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 256  # records: about 30 MB at 500 Hz, a few seconds of work to lose
_UNITS = {"mV": {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "v": 1e3}, "z-score per lead": {"nu": 1.0}}
_MAX = 32767


@dataclass(frozen=True)
class _Plan:
    """What a worker needs to know to read one chunk and write it to its place."""

    folder: Path
    target: Path
    leads: tuple[str, ...]
    rate: float
    stored_rate: int
    seconds: float
    min_seconds: float
    units: str
    processing: str | None

    @property
    def samples(self) -> int:
        return round(self.seconds * self.stored_rate)

    @property
    def record_bytes(self) -> int:
        return 2 * len(self.leads) * self.samples


def prepare_store(
    spec: DatasetSpec, folder: Path, *, workers: int | None = None, rate: int | None = None
) -> Store:
    """Make the store of a data set, or open the one that was made from the same source.

    Args:
        spec: The catalogue entry.
        folder: The data as downloaded.
        workers: Processes; None: one per core.
        rate: Sampling rate to take where the folder holds several; None: the highest.

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
            return made if made else _build(spec, source, key, partial, workers)


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
    spec: DatasetSpec, source: Source, key: str, partial: Path, workers: int | None
) -> Store:
    plan = _plan(spec, source, partial)
    total = len(source.records)
    partial.mkdir(exist_ok=True)
    with (partial / SIGNALS).open("ab") as file:
        file.truncate(total * plan.record_bytes)
    paths = list(source.records["path"])
    chunks = [(start, paths[start : start + CHUNK]) for start in range(0, total, CHUNK)]
    missing = [chunk for chunk in chunks if not _is_done(plan, *chunk)]
    _run(plan, missing, workers, spec.name)
    reasons = _gather(plan, chunks, source.records.index)
    records = _write_index(spec, source, partial, reasons)
    manifest = seal(partial, _manifest(spec, source, key, plan, records, reasons), records)
    target = partial.parent / f"{spec.name}-{spec.version}-{manifest['fingerprint'][:12]}"
    if target.exists():  # the same content from another source: keep one, know it by the newer key
        shutil.rmtree(target)
    partial.replace(target)
    return open_store(target)


def _plan(spec: DatasetSpec, source: Source, partial: Path) -> _Plan:
    stored_rate = PROCESSINGS[source.processing][1] if source.processing else round(source.rate)
    return _Plan(
        folder=source.folder,
        target=partial,
        leads=spec.leads,
        rate=source.rate,
        stored_rate=stored_rate,
        seconds=spec.seconds,
        min_seconds=spec.min_seconds,
        units="mV" if source.processing else spec.units,
        processing=source.processing,
    )


def _source_fingerprint(source: Source) -> str:
    """Tell sources apart without reading the signals: metadata by content, records by size."""
    sizes = []
    for path in source.records["path"]:
        for suffix in (".hea", ".dat", ".mat"):
            try:
                sizes.append([path + suffix, (source.folder / (path + suffix)).stat().st_size])
            except OSError:
                continue
    metadata = [[file.name, file_sha256(file)] for file in source.metadata]
    return content_hash([source.signals, source.rate, source.processing, metadata, sizes])


# One chunk ---------------------------------------------------------------------------------------


def _run(plan: _Plan, chunks: list[tuple[int, list[str]]], workers: int | None, name: str) -> None:
    count = min(workers or os.cpu_count() or 1, len(chunks))
    if count <= 1:
        for start, paths in track(chunks, f"preparing {name}"):
            _do_chunk(plan, start, paths)
        return
    from joblib import Parallel, delayed

    jobs = (delayed(_do_chunk)(plan, start, paths) for start, paths in chunks)
    done = Parallel(n_jobs=count, return_as="generator_unordered")(jobs)
    for _ in track(done, f"preparing {name}", total=len(chunks)):
        pass


def _do_chunk(plan: _Plan, start: int, paths: list[str]) -> None:
    """Read records, write their counts to their place, then the note that this chunk is done."""
    counts = np.zeros((len(paths), len(plan.leads), plan.samples), dtype="<i2")
    scale = np.zeros((len(paths), len(plan.leads)), dtype=np.float32)
    lengths = np.zeros(len(paths), dtype=np.int32)
    reasons: dict[str, str] = {}
    for row, path in enumerate(paths):
        try:
            signals, gains = _load(plan, path)
        except DataError as error:
            reasons[str(row)] = error.message
            continue
        lengths[row] = signals.shape[1]
        counts[row, :, : lengths[row]], scale[row] = quantise(signals, gains)
    with (plan.target / SIGNALS).open("r+b") as file:
        file.seek(start * plan.record_bytes)
        file.write(counts.tobytes())
    note = {
        "records": len(paths),
        "sha256": hashlib.sha256(counts.tobytes()).hexdigest(),
        "scale": scale.astype(float).tolist(),
        "lengths": lengths.tolist(),
        "reasons": reasons,
    }
    atomic_write(_note_file(plan, start), json.dumps(note))


def _load(plan: _Plan, path: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
    """One record in stored units, leads in order, cut to length; and its gains where they hold.

    Raises:
        DataError: Why it cannot be used; the message is the reason in quarantine.csv.
    """
    recording = read_recording(plan.folder / path)
    if recording.rate != plan.rate:
        raise DataError(f"other rate: {recording.rate:g} Hz, not {plan.rate:g}")
    missing = [lead for lead in plan.leads if lead not in recording.leads]
    if missing:
        raise DataError(f"lacks a lead: {' '.join(missing)}")
    order = lead_positions(plan.leads, recording.leads)
    factors = np.array([_factor(plan.units, recording.units[lead]) for lead in order])
    signals = recording.signals[order] * factors[:, None]
    signals = signals[:, : round(plan.seconds * plan.rate)]
    check_signals(signals, plan.leads, plan.rate, plan.min_seconds)
    if plan.processing:
        function, _ = PROCESSINGS[plan.processing]
        return function(signals, plan.rate), None
    return signals, recording.gains[order] / factors


def _factor(units: str, unit: str) -> float:
    factor = _UNITS[units].get(unit.lower())
    if factor is None:
        raise DataError(f"other unit: {unit}, not {units}")
    return factor


def check_signals(
    signals: npt.NDArray[np.float64], leads: tuple[str, ...], rate: float, min_seconds: float
) -> None:
    """Refuse what is no usable recording.

    Args:
        signals: [leads, samples].
        leads: Names.
        rate: Hz.
        min_seconds: Shortest usable recording.

    Raises:
        DataError: Too short, not finite, or a lead that never moves (no electrode).
    """
    seconds = signals.shape[1] / rate
    if seconds < min_seconds:
        raise DataError(f"too short: {seconds:g} s, at least {min_seconds:g}")
    broken = [lead for lead, row in zip(leads, signals, strict=True) if not np.isfinite(row).all()]
    if broken:
        raise DataError(f"not finite: {' '.join(broken)}")
    flat = [lead for lead, row in zip(leads, signals, strict=True) if np.ptp(row) == 0]
    if flat:
        raise DataError(f"flat: {' '.join(flat)}")


def quantise(
    signals: npt.NDArray[np.float64], gains: npt.NDArray[np.float64] | None
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    """Turn units into int16 counts with one scale per lead.

    A lead keeps the counts of its file where they fit (then nothing is lost); otherwise its largest
    magnitude becomes 32,767.

    Args:
        signals: [leads, samples].
        gains: Counts per unit of each lead in the file, or None.

    Returns:
        Counts [leads, samples] and units per count [leads].
    """
    peak = np.abs(signals).max(axis=1)
    scale = np.where(peak > 0, peak / _MAX, 1.0)
    if gains is not None:
        scale = np.where(peak * gains <= _MAX, 1.0 / gains, scale)
    counts = np.rint(signals / scale[:, None])
    return np.clip(counts, -_MAX, _MAX).astype("<i2"), scale.astype(np.float32)


# All chunks --------------------------------------------------------------------------------------


def _note_file(plan: _Plan, start: int) -> Path:
    return plan.target / "chunks" / f"{start:09d}.json"


def _is_done(plan: _Plan, start: int, paths: list[str]) -> bool:
    """Whether an earlier, interrupted run has written this chunk, and its bytes are still there."""
    file = _note_file(plan, start)
    if not file.is_file():
        return False
    note = json.loads(file.read_text(encoding="utf-8"))
    with (plan.target / SIGNALS).open("rb") as signals:
        signals.seek(start * plan.record_bytes)
        written = signals.read(len(paths) * plan.record_bytes)
    return bool(hashlib.sha256(written).hexdigest() == note["sha256"])


def _gather(plan: _Plan, chunks: list[tuple[int, list[str]]], ids: pd.Index[str]) -> dict[str, str]:
    """Close the gaps that quarantined records leave; write scale and lengths.

    Returns:
        Record id -> reason of each quarantined record.
    """
    reasons: dict[str, str] = {}
    scales, lengths = [], []
    size = plan.record_bytes
    with (plan.target / SIGNALS).open("r+b") as file:
        position = 0
        for start, paths in chunks:
            note = json.loads(_note_file(plan, start).read_text(encoding="utf-8"))
            kept = [row for row in range(len(paths)) if str(row) not in note["reasons"]]
            reasons |= {str(ids[start + int(row)]): why for row, why in note["reasons"].items()}
            scales += [note["scale"][row] for row in kept]
            lengths += [note["lengths"][row] for row in kept]
            for row in kept:
                if position != start + row:
                    file.seek((start + row) * size)
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
    return reasons


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
    plan: _Plan,
    records: pd.DataFrame,
    reasons: dict[str, str],
) -> dict[str, Any]:
    return {
        "dataset": spec.name,
        "version": spec.version,
        "spec": spec.identity(),
        "leads": list(plan.leads),
        "rate": plan.stored_rate,
        "samples": plan.samples,
        "units": spec.units,
        "records": len(records),
        "patients": int(records["patient_id"].nunique()),
        "splits": {
            str(name): int(count) for name, count in records["split"].value_counts().items()
        },
        "quarantined": dict(Counter(_kind(reason) for reason in reasons.values())),
        "source": {
            "key": key,
            "signals": source.signals,
            "rate": source.rate,
            "processing": source.processing,
            "metadata": {file.name: file_sha256(file) for file in source.metadata},
        },
        "made_with": {"ecgbench": __version__, "numpy": np.__version__},
    }
