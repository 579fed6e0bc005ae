"""A table about a prepared data set: read, excluded and doubtful records, and its content."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ecgbench.data.dataset import Dataset
from ecgbench.data.labels import SPLITS

Rows = list[tuple[str, str]]

_REMEDY = "give a column `split` or `fold` in the table (docs/data.md, Your own data)"


def contents(dataset: Dataset) -> Rows:
    """Label and value of each line about the records and signals of a data set."""
    store, manifest = dataset.store, dataset.store.manifest
    counts = manifest.get("read", {})
    read = manifest["source"].get("records", len(store) + sum(manifest["quarantined"].values()))
    derived = manifest.get("derived_leads", 0)
    leads = f"{len(store.leads)} leads" + (f" (computed in {derived:,} records)" if derived else "")
    signals = f"{leads}, {store.rate:g} Hz, {manifest['units']}"
    splits = ", ".join(f"{name or 'unused'} {count:,}" for name, count in _splits(dataset).items())
    quarantined = _by_reason(manifest["quarantined"], str(store.path / "quarantine.csv"))
    doubtful = _by_reason(manifest.get("doubtful", {}), str(store.path / "doubtful.csv"))
    cut = f"{counts.get('cut', 0):,} records at {dataset.spec.seconds:g} s"
    resampled = ", ".join(
        f"{count:,} records from {rate} Hz" for rate, count in counts.get("resampled", {}).items()
    )
    rows = [
        ("store", str(store.path)),
        ("read", f"{read:,} records"),
        ("records", f"{len(store):,} of {manifest['patients']:,} patients"),
        ("quarantined", quarantined),
        ("doubtful", doubtful),
        ("cut", cut),
        ("resampled", resampled or "none"),
        ("splits", splits),
        ("signals", signals),
        ("read from", manifest["source"]["signals"]),
        ("fingerprint", store.fingerprint[:12]),
    ]
    return rows + [("warning", warning) for warning in warnings_of(dataset)]


def classes(dataset: Dataset) -> list[str]:
    """Lines about the label sets: records by split, then every class with its positives by split."""
    lines = []
    for label_set in sorted(dataset.store.label_sets):
        tables = [dataset.labels(label_set, split) for split in SPLITS]
        counts = " / ".join(f"{len(table.rows):,}" for table in tables)
        present = " / ".join(str(int(table.values.any(axis=0).sum())) for table in tables)
        number = len(tables[0].classes)
        lines.append(
            f"{label_set}: {number} classes; {' / '.join(SPLITS)}: records {counts}; "
            f"classes present {present}"
        )
        width = max(map(len, tables[0].classes))
        for column, name in enumerate(tables[0].classes):
            positives = " / ".join(f"{int(t.values[:, column].sum()):,}" for t in tables)
            lines.append(f"  {name:<{width}}  {positives}")
    return lines


def warnings_of(dataset: Dataset) -> list[str]:
    """Warnings before an evaluation, one sentence each."""
    told = list(dataset.store.manifest.get("notes", ()))
    splits = _splits(dataset)
    empty = [split for split in SPLITS if not splits.get(split)]
    remedy = f": {_REMEDY}" if dataset.spec.layout == "table" else ""
    if empty:
        told.append(f"no record in {' and '.join(empty)}{remedy}")
    for label_set in sorted(dataset.store.label_sets):
        told += _missing(dataset, label_set, [s for s in SPLITS if s not in empty], remedy)
    return told


def _missing(dataset: Dataset, label_set: str, splits: list[str], remedy: str) -> list[str]:
    everywhere = dataset.labels(label_set)
    positives = everywhere.values.sum(axis=0)
    told = []
    for what, lacking in (
        ("positive", positives == 0),
        ("negative", positives == len(everywhere.rows)),
    ):
        names = [everywhere.classes[k] for k in np.flatnonzero(lacking)]
        if names:
            told.append(
                f"{label_set}: no {what} of {_some(names)} anywhere, so no score is defined"
            )
    for split in splits:
        table = dataset.labels(label_set, split)
        absent = (table.values.sum(axis=0) == 0) & (positives > 0)
        names = [everywhere.classes[k] for k in np.flatnonzero(absent)]
        if names:
            told.append(f"{label_set}: no positive of {_some(names)} in {split}{remedy}")
    return told


def _some(names: list[str], shown: int = 5) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _by_reason(counts: Mapping[str, int], file: str) -> str:
    if not counts:
        return "none"
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items()))
    return f"{reasons} (see {file})"


def _splits(dataset: Dataset) -> dict[str, int]:
    counts = dataset.store.manifest["splits"]
    return {name: counts[name] for name in (*SPLITS, "") if name in counts}
