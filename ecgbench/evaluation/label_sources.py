"""Readers of test labels: from prepared data sets, or from the metadata files of a data set alone.

Nothing in this module can be called while a cell is predicted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ecgbench.base.errors import DataError, EcgbenchError
from ecgbench.base.withholding import refuse_if_withheld
from ecgbench.evaluation.ground_truth import SplitSpec, Truth, TruthReader, narrowed, split_of

refuse_if_withheld(__name__)  # an import from a protocol fails while the protocol runs


def prepared(wanted: SplitSpec) -> Truth:
    """Read the prepared data set on this machine, at each call, so that no label stays in memory.

    Raises:
        DataError: The data set is not prepared; names the commands that prepare it.
    """
    from ecgbench.data.opening import open_dataset

    return split_of(open_dataset(wanted.dataset), wanted)


def from_metadata(folder: Path) -> TruthReader:
    """A reader of ``ptbxl_database.csv`` and ``scp_statements.csv`` in a folder; signals are not needed.

    Simulated data sets are generated on this machine.
    """

    def read(wanted: SplitSpec) -> Truth:
        import json

        from ecgbench.data.layouts.ptbxl import read_metadata
        from ecgbench.data.spec import datasets

        refuse_if_withheld(f"The metadata of {wanted.dataset}")
        spec = datasets.get(wanted.dataset)
        if spec.generator is not None:
            return prepared(wanted)
        if spec.layout != "ptbxl":
            raise DataError(
                f"Labels of {wanted.dataset} cannot be read from metadata alone.",
                f"Prepare it: `ecgbench data prepare {wanted.dataset}`.",
            )
        records, label_sets = read_metadata(spec, folder)
        if wanted.label_set not in label_sets:
            raise DataError(f"{wanted.dataset} has no label set {wanted.label_set!r}.")
        test = records[[spec.splits.of_fold(int(fold)) == "test" for fold in records["fold"]]]
        labels = label_sets[wanted.label_set]
        codes = [json.loads(text) for text in test["codes"]]
        values, kept = labels.encode(codes), labels.labelled(codes)
        return narrowed(wanted, labels.classes, values[kept], test.iloc[np.flatnonzero(kept)], None)

    return read


def labels_from(folder: Path | None) -> TruthReader:
    """The reader of a command: of prepared data sets, or of PTB-XL's metadata in a folder.

    If the folder is missing, the metadata are downloaded into it, without signals.

    Raises:
        DataError: They cannot be downloaded.
    """
    if folder is None:
        return prepared
    if not folder.exists():
        from ecgbench.data.fetch import fetch

        fetch("ptbxl", folder, only=["metadata"])
    return from_metadata(folder)


def read_once(reader: TruthReader) -> Callable[[SplitSpec], Truth | EcgbenchError]:
    """A reader that reads each split once, and returns the error of a split that cannot be read."""
    known: dict[SplitSpec, Truth | EcgbenchError] = {}

    def read(wanted: SplitSpec) -> Truth | EcgbenchError:
        if wanted not in known:
            try:
                known[wanted] = reader(wanted)
            except EcgbenchError as error:
                known[wanted] = error
        return known[wanted]

    return read
