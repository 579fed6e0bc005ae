"""A prepared store: every signal of a data set in one memory-mapped int16 file, beside its index.

Its files:

- ``manifest.json``: content, source, and the hash of every file
- ``signals.bin``: int16 [records, leads, samples], C order, little-endian
- ``scale.npy``: float32 [records, leads], physical units per count
- ``lengths.npy``: int32 [records], samples that were recorded; zeros follow
- ``records.parquet``: one row per record, in the order of the signals
- ``labels.json``: the label sets, classes and the codes that make them
- ``quarantine.csv``: excluded records, each with its reason
- ``doubtful.csv``: included records with a doubt about their ``signals`` or ``metadata`` (column ``of``)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError
from ecgbench.base.hashing import canonical_json, content_hash, file_sha256
from ecgbench.base.paths import atomic_write
from ecgbench.base.withholding import refuse_if_withheld
from ecgbench.data.labels import LabelSet

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
SIGNALS = "signals.bin"
INDEX = "records.parquet"
FILES = (
    SIGNALS, "scale.npy", "lengths.npy", INDEX, "labels.json", "quarantine.csv", "doubtful.csv",
)  # fmt: skip


@dataclass(frozen=True)
class Store:
    """An opened store.

    Attributes:
        path: Its folder.
        manifest: Content of ``manifest.json``.
    """

    path: Path
    manifest: dict[str, Any]

    @cached_property
    def signals(self) -> npt.NDArray[np.int16]:
        """Counts, int16 memory map [records, leads, samples]; times :attr:`scale` are units."""
        if 0 in self.shape:
            return np.zeros(self.shape, dtype="<i2")
        return np.memmap(self.path / SIGNALS, dtype="<i2", mode="r", shape=self.shape)

    @cached_property
    def scale(self) -> npt.NDArray[np.float32]:
        """Units per count, float32 [records, leads]."""
        return np.asarray(np.load(self.path / "scale.npy"), dtype=np.float32)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int32]:
        """Recorded samples of each record, int32 [records]."""
        return np.asarray(np.load(self.path / "lengths.npy"), dtype=np.int32)

    @cached_property
    def label_sets(self) -> dict[str, LabelSet]:
        """The label sets by name."""
        values = json.loads((self.path / "labels.json").read_text(encoding="utf-8"))
        return {value["name"]: LabelSet.from_json(value) for value in values}

    @property
    def shape(self) -> tuple[int, int, int]:
        """(records, leads, samples)."""
        return (len(self), len(self.leads), int(self.manifest["samples"]))

    @property
    def leads(self) -> tuple[str, ...]:
        """Names of the leads, in order."""
        return tuple(self.manifest["leads"])

    @property
    def rate(self) -> float:
        """Sampling rate, Hz."""
        return float(self.manifest["rate"])

    @property
    def fingerprint(self) -> str:
        """Hash of signals, records, labels and splits, on which results depend."""
        return str(self.manifest["fingerprint"])

    def __len__(self) -> int:
        return int(self.manifest["records"])

    def read(
        self, rows: Sequence[int] | npt.NDArray[np.integer] | slice
    ) -> npt.NDArray[np.float32]:
        """Signals of some records in physical units.

        Args:
            rows: Positions.

        Returns:
            float32 [rows, leads, samples]; zeros beyond a record's length.
        """
        return self.signals[rows].astype(np.float32) * self.scale[rows][..., None]

    @property
    def withheld(self) -> bool:
        """Whether codes and reports of the test records were removed; see ``data/withheld.py``."""
        return "withheld" in self.manifest

    def read_records(self) -> pd.DataFrame:
        """The index, one row per record.

        Raises:
            EcgbenchError: A cell is predicted now, and this store holds test labels.
        """
        import pandas as pd

        if not self.withheld:
            refuse_if_withheld(f"The index of {self.manifest['dataset']}")
        return pd.read_parquet(self.path / INDEX).set_index("record_id")

    def read_quarantine(self) -> pd.DataFrame:
        """The excluded records: record_id, reason."""
        import pandas as pd

        return pd.read_csv(self.path / "quarantine.csv", dtype=str, keep_default_na=False)

    def read_doubts(self, of: str | None = None) -> pd.DataFrame:
        """The doubtful records: record_id, reason.

        Args:
            of: ``signals`` or ``metadata``: what the doubt is about; None: both.
        """
        import pandas as pd

        file = self.path / "doubtful.csv"
        if not file.is_file():  # a store of an earlier version
            return pd.DataFrame({"record_id": [], "reason": []}, dtype=str)
        table: pd.DataFrame = pd.read_csv(file, dtype=str, keep_default_na=False)
        chosen = table if of is None else table[table["of"] == of]
        return chosen[["record_id", "reason"]]


def open_store(path: Path) -> Store:
    """Open a store after a look at its manifest and the sizes of its files.

    Raises:
        DataError: No store, one of another format, or one that lost a file.
    """
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"No store at {path}: {error}", "Run `ecgbench data prepare`.") from error
    if manifest.get("format") != FORMAT:
        raise DataError(
            f"The store {path} has format {manifest.get('format')}, this ecgbench reads {FORMAT}.",
            "Delete the folder and prepare the data set again.",
        )
    for name, entry in manifest["files"].items():
        file = path / name
        if not file.is_file() or file.stat().st_size != entry["bytes"]:
            raise _damaged(path, name)
    return Store(path, manifest)


def verify_store(store: Store) -> None:
    """Hash every file again.

    Raises:
        DataError: A file differs from the manifest. The message names the file.
    """
    for name, entry in store.manifest["files"].items():
        if file_sha256(store.path / name) != entry["sha256"]:
            raise _damaged(store.path, name)
    expected = fingerprint_of(store.path, store.manifest, store.read_records())
    if expected != store.fingerprint:
        raise DataError(
            f"The manifest of {store.path} does not belong to its files.",
            "Delete the folder and prepare the data set again.",
        )


def seal(folder: Path, manifest: dict[str, Any], records: pd.DataFrame) -> dict[str, Any]:
    """Write the manifest of a folder whose files are complete: the last step of preparing.

    Args:
        folder: Holds all of :data:`FILES`.
        manifest: dataset, version, spec, leads, rate, samples, units, records, source, counts ...
        records: The index that went into ``records.parquet``.
    """
    complete = {"format": FORMAT, **manifest}
    complete["files"] = {
        name: {
            "sha256": file_sha256(folder / name),
            "bytes": (folder / name).stat().st_size,
        }
        for name in FILES
    }
    complete["fingerprint"] = fingerprint_of(folder, complete, records)
    atomic_write(folder / "manifest.json", json.dumps(complete, indent=1, sort_keys=True) + "\n")
    return complete


def fingerprint_of(folder: Path, manifest: dict[str, Any], records: pd.DataFrame) -> str:
    """Hash the content that results depend on, independent of Parquet's version and of the machine."""
    index = records.reset_index()
    rows = json.loads(index.to_json(orient="values", double_precision=6))
    files = manifest["files"]
    return content_hash(
        {
            "dataset": manifest["dataset"],
            "version": manifest["version"],
            "leads": manifest["leads"],
            "rate": manifest["rate"],
            "units": manifest["units"],
            "splits": manifest["spec"]["splits"],
            "columns": [str(column) for column in index.columns],
            "index": content_hash(rows),
            "labels": content_hash(json.loads((folder / "labels.json").read_text("utf-8"))),
            **{name: files[name]["sha256"] for name in (SIGNALS, "scale.npy", "lengths.npy")},
        }
    )


def write_label_sets(folder: Path, label_sets: dict[str, LabelSet]) -> None:
    """Write ``labels.json``."""
    values = [label_sets[name].to_json() for name in sorted(label_sets)]
    atomic_write(folder / "labels.json", canonical_json(values) + "\n")


def _damaged(path: Path, name: str) -> DataError:
    return DataError(
        f"{name} of the store {path} is missing or damaged.",
        "Delete the folder and prepare the data set again.",
    )
