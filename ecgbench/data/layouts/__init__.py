"""How data sets lie on disk: one module a layout, each with one function ``open_source``."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from ecgbench.base.errors import DataError, did_you_mean
from ecgbench.data.labels import LabelSet
from ecgbench.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd

LAYOUTS = ("ptbxl", "wfdb-dx", "mimic", "table")

# Columns of a source's records (index: record_id). Text is '' and age is NaN where not known.
COLUMNS = ("patient_id", "fold", "age", "sex", "site", "device", "report", "codes", "path")


@dataclass(frozen=True)
class Source:
    """A data set's folder, before any signal is read.

    Attributes:
        records: Indexed by record_id (str), sorted as the authors sort them. Columns
            :data:`COLUMNS`: fold is 1-10; sex is ``male``, ``female`` or ''; codes is a JSON object
            of code -> likelihood; path is the WFDB record below ``folder``, without a suffix.
        label_sets: Label sets by name.
        rate: Sampling rate of the files, Hz.
        signals: Which signals of the folder were taken, e.g. ``records500``.
        processing: Name of the processing still to be applied, or None.
        metadata: Files that say all of the above; the manifest holds their hashes.
        doubts: Why records are doubtful by what the metadata says: record_id -> reasons, each a kind,
            a colon, the details.
        notes: Warnings about the metadata as a whole, one sentence each.
    """

    folder: Path
    records: pd.DataFrame
    label_sets: dict[str, LabelSet]
    rate: float
    signals: str
    processing: str | None
    metadata: tuple[Path, ...]
    doubts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Layout(Protocol):
    """A module of this package."""

    def open_source(self, spec: DatasetSpec, folder: Path, rate: float | None) -> Source:
        """Read a folder's metadata.

        Args:
            spec: What is expected.
            folder: The folder.
            rate: Sampling rate to take where the folder holds several; None: the highest.

        Raises:
            DataError: It is not what is expected; says what was expected and what was found.
        """


def layout_of(spec: DatasetSpec) -> Layout:
    """The reader of a data set's folder.

    Raises:
        DataError: There is no such layout.
    """
    if spec.layout not in LAYOUTS:
        raise DataError(
            f"The data set {spec.name} has the unknown layout {spec.layout!r}.",
            did_you_mean(spec.layout, LAYOUTS),
        )
    module = importlib.import_module(f"ecgbench.data.layouts.{spec.layout.replace('-', '_')}")
    return cast(Layout, module)


def check_version(spec: DatasetSpec, folder: Path, found: int) -> None:
    """Refuse a folder whose number of records is that of another version, or of none.

    Raises:
        DataError: Says what was expected and what was found.
    """
    counts = (spec.records, spec.options.get("whole"))
    accepted = [count for count in counts if isinstance(count, int)]
    if not accepted or found in accepted:
        return
    versions = {count: version for version, count in spec.other_versions.items()}
    known = f", as version {versions[found]} has" if found in versions else ""
    expected = " or ".join(f"{count:,}" for count in accepted)
    raise DataError(
        f"{folder} is not {spec.name} {spec.version}: expected {expected} records, "
        f"found {found:,}{known}.",
        f"Get this version with `ecgbench data fetch {spec.name}`.",
    )
