"""From files to a store: parallel, resumable, atomic, and nothing dropped in silence."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial as bind
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbench._version import __version__
from ecgbench.base.errors import DataError
from ecgbench.base.hashing import file_sha256
from ecgbench.base.paths import plain_os_errors, stage_dir
from ecgbench.data.chunks import Chunk, Plan, Read, do_chunk, gather, is_done, kind
from ecgbench.data.fetch import address_of
from ecgbench.data.intake import Intake
from ecgbench.data.layouts import Source, layout_of
from ecgbench.data.parallel import for_each
from ecgbench.data.processing import PROCESSINGS
from ecgbench.data.sources import SUFFIXES, Keys, content_of, keys_of, preparing_code, read_sums
from ecgbench.data.spec import DatasetSpec
from ecgbench.data.store import SIGNALS, Store, open_store, seal, write_label_sets

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 256  # records: about 30 MB at 500 Hz, a few seconds of work to lose
_OF_SIGNALS = (SIGNALS, "scale.npy", "lengths.npy")


def prepare_store(
    spec: DatasetSpec,
    folder: Path,
    *,
    workers: int | None = None,
    rate: float | None = None,
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
    intake = _intake(spec, source)
    sums = {} if stream is None else read_sums(folder)
    keys = keys_of(spec, source, intake, sums)
    stores = stage_dir("stores")
    with plain_os_errors(stores):
        stores.mkdir(parents=True, exist_ok=True)
        partial = stores / f".{spec.name}-{spec.version}-{keys.whole[:12]}.partial"
        lock = FileLock(str(partial.with_suffix(".lock")))
        with lock:
            made = _find(spec, lambda store: store.manifest["source"]["key"] == keys.whole)
            if made is not None:
                return made
            partial.mkdir(exist_ok=True)
            plan = Plan(
                folder, partial, intake, address_of(spec, stream) if stream is not None else ""
            )
            donor = _find(
                spec, lambda store: store.manifest["source"].get("signals_key") == keys.signals
            )
            if donor is None:
                read = _read_signals(spec, source, plan, sums, workers)
            else:
                read = _signals_of(donor, source, partial)
            return _seal(spec, source, keys, plan, read)


def find_store(spec: DatasetSpec) -> Store | None:
    """The newest store of this data set that its entry and the code, as they are now, would make."""
    return _find(spec, lambda store: not _changed(spec, store))


def outdated_store(spec: DatasetSpec) -> tuple[Store, list[str]] | None:
    """The newest store of this data set, and what has changed since; None where nothing has."""
    newest = _find(spec, lambda store: True)
    changed = [] if newest is None else _changed(spec, newest)
    return (newest, changed) if newest is not None and changed else None


def _changed(spec: DatasetSpec, store: Store) -> list[str]:
    """The keys of the entry that a store was not made with, and the code."""
    same_code = store.manifest["source"].get("code") == preparing_code(spec)
    return [*spec.changes_since(store.manifest["spec"]), *([] if same_code else ["code"])]


def check_source(spec: DatasetSpec, store: Store) -> bool:
    """Compare the folder that a store was made from, as it is now, with what was read then.

    Returns:
        Whether the folder is still there with its signals, so that there was something to compare.

    Raises:
        DataError: The folder's files are others now.
    """
    made_from = store.manifest["source"]
    folder = Path(made_from.get("folder", ""))
    if not made_from.get("content") or not folder.is_dir():
        return False
    rate = made_from["rate"] if made_from["signals"].startswith("records") else None
    source = layout_of(spec).open_source(spec, folder, rate)
    if content_of(source) != made_from["content"] or _metadata(source) != made_from["metadata"]:
        raise DataError(
            f"The files in {folder} are not those that the store of {spec.name} was made from.",
            f"Prepare it again: `ecgbench data prepare {spec.name} --source {folder}`.",
        )
    return True


def _find(spec: DatasetSpec, fits: Callable[[Store], bool]) -> Store | None:
    """The newest store of this data set and version that fits."""
    folders = stage_dir("stores").glob(f"{spec.name}-{spec.version}-*")
    manifests = [folder / "manifest.json" for folder in folders]
    present = [file for file in manifests if file.is_file()]
    for file in sorted(present, key=lambda file: file.stat().st_mtime_ns, reverse=True):
        manifest = json.loads(file.read_text(encoding="utf-8"))
        same = manifest["dataset"] == spec.name and manifest["version"] == spec.version
        if same and fits(Store(file.parent, manifest)):
            return open_store(file.parent)
    return None


def _intake(spec: DatasetSpec, source: Source) -> Intake:
    processed = PROCESSINGS[source.processing][1] if source.processing else None
    return Intake(
        leads=spec.leads,
        rate=source.rate,
        stored_rate=processed or source.rate,
        seconds=spec.seconds,
        min_seconds=spec.min_seconds,
        units="mV" if source.processing else spec.units,
        processing=source.processing,
        derive_limb_leads=spec.derive_limb_leads,
        lead_names=spec.lead_names,
        unit_names=spec.unit_names,
    )


def _read_signals(
    spec: DatasetSpec, source: Source, plan: Plan, sums: dict[str, str], workers: int | None
) -> Read:
    with (plan.target / SIGNALS).open("ab") as file:
        file.truncate(len(source.records) * plan.intake.record_bytes)
    chunks = _chunks(source, sums)
    missing = [chunk for chunk in chunks if not is_done(plan, chunk)]
    for_each(bind(do_chunk, plan), missing, f"preparing {spec.name}", workers)
    return gather(plan, chunks, [str(record) for record in source.records.index])


def _chunks(source: Source, sums: dict[str, str]) -> list[Chunk]:
    paths = list(source.records["path"])
    parts = [(start, paths[start : start + CHUNK]) for start in range(0, len(paths), CHUNK)]
    return [Chunk(start, part, _remote_files(part, sums)) for start, part in parts]


def _remote_files(paths: list[str], sums: dict[str, str]) -> dict[str, str]:
    names = (path + suffix for path in paths for suffix in SUFFIXES)
    return {name: sums[name] for name in names if name in sums}


def _signals_of(donor: Store, source: Source, partial: Path) -> Read:
    """Take the signals of a store of the same records: the labels alone are other ones."""
    for name in _OF_SIGNALS:
        (partial / name).unlink(missing_ok=True)
        try:
            os.link(donor.path / name, partial / name)
        except OSError:  # a file system without links
            shutil.copyfile(donor.path / name, partial / name)
    place = {str(record): row for row, record in enumerate(source.records.index)}
    quarantine = donor.read_quarantine()
    reasons = dict(zip(quarantine["record_id"].map(place), quarantine["reason"], strict=True))
    doubts: dict[int, tuple[str, ...]] = {}
    for record, reason in donor.read_doubts("signals").itertuples(index=False):
        doubts[place[record]] = (*doubts.get(place[record], ()), reason)
    return Read(reasons, doubts, donor.manifest["read"])


def _seal(spec: DatasetSpec, source: Source, keys: Keys, plan: Plan, read: Read) -> Store:
    partial = plan.target
    ids = [str(record) for record in source.records.index]
    reasons = {ids[row]: reason for row, reason in sorted(read.reasons.items())}
    doubts = [
        (ids[row], "signals", doubt) for row in sorted(read.doubts) for doubt in read.doubts[row]
    ]
    doubts += [
        (record, "metadata", doubt)
        for record in ids
        if record not in reasons
        for doubt in source.doubts.get(record, ())
    ]
    records = _write_index(spec, source, partial, reasons, doubts)
    content = _manifest(spec, source, keys, plan.intake, records)
    content |= {
        "read": dict(read.counts),
        "derived_leads": read.counts["derived"],
        "quarantined": dict(Counter(map(kind, reasons.values()))),
        "doubtful": dict(Counter(name for _, name in sorted({(r, kind(d)) for r, _, d in doubts}))),
        "notes": list(source.notes),
    }
    manifest = seal(partial, content, records)
    target = partial.parent / f"{spec.name}-{spec.version}-{manifest['fingerprint'][:12]}"
    if target.exists():  # the same content from another source: keep one, know it by the newer key
        shutil.rmtree(target)
    partial.replace(target)
    return open_store(target)


def _write_index(
    spec: DatasetSpec,
    source: Source,
    folder: Path,
    reasons: Mapping[str, str],
    doubts: list[tuple[str, str, str]],
) -> pd.DataFrame:
    import pandas as pd

    records = source.records[~source.records.index.isin(list(reasons))].drop(columns="path")
    splits = [spec.splits.of_fold(int(fold)) or "" for fold in records["fold"]]
    records.insert(2, "split", splits)
    records.reset_index().to_parquet(folder / "records.parquet", index=False)
    quarantine = pd.DataFrame({"record_id": list(reasons), "reason": list(reasons.values())})
    quarantine.to_csv(folder / "quarantine.csv", index=False)
    columns = ["record_id", "of", "reason"]
    pd.DataFrame(doubts, columns=columns).to_csv(folder / "doubtful.csv", index=False)
    write_label_sets(folder, source.label_sets)
    return records


def _manifest(
    spec: DatasetSpec,
    source: Source,
    keys: Keys,
    intake: Intake,
    records: pd.DataFrame,
) -> dict[str, Any]:
    return {
        "dataset": spec.name,
        "version": spec.version,
        "spec": spec.state(),
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
            "key": keys.whole,
            "signals_key": keys.signals,
            "content": keys.content,
            "code": preparing_code(spec),
            "folder": str(source.folder.resolve()),
            "signals": source.signals,
            "rate": source.rate,
            "processing": source.processing,
            "records": len(source.records),
            "metadata": _metadata(source),
        },
        "made_with": {"ecgbench": __version__, "numpy": np.__version__},
    }


def _metadata(source: Source) -> dict[str, str]:
    return {file.name: file_sha256(file) for file in source.metadata}
