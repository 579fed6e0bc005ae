"""The ledger: how often the test split of a cell was predicted on this machine.

Running a cell again until it looks good shows: the count goes into the result.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path


def note_test_evaluation(folder: Path, key: str, predictions: str) -> int:
    """Note that the test split was predicted.

    Args:
        folder: Folder of results; the ledger is ``ledger.csv`` in it.
        key: :attr:`ecgbench.results.schema.Result.key`.
        predictions: SHA-256 of the predictions file.

    Returns:
        How many different predictions this cell has had, this one counted; the same predictions made
        again say nothing new and are not counted again.
    """
    path = folder / "ledger.csv"
    earlier: list[str] = []
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            earlier = [row[2] for row in csv.reader(file) if len(row) == 3 and row[1] == key]
    if predictions not in earlier:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a", newline="", encoding="utf-8") as file:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            csv.writer(file).writerow([now, key, predictions])
    return len({*earlier, predictions})
