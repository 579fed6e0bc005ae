"""The ledger: how often the test split of a cell was predicted on this machine.

Running a cell again until it looks good shows: the count goes into the result.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from ecgbench.base.errors import ResultError
from ecgbench.base.paths import one_writer
from ecgbench.results.limits import LEDGER_BYTES, read_plain_file

LEDGER = "ledger.csv"


def note_test_evaluation(folder: Path, key: str, predictions: str) -> int:
    """Note that the test split was predicted.

    Args:
        folder: Folder of results; the ledger is :data:`LEDGER` in it.
        key: :attr:`ecgbench.results.schema.Result.key`.
        predictions: SHA-256 of the predictions file.

    Returns:
        How many different predictions this cell has had, this one counted; the same predictions made
        again say nothing new and are not counted again.
    """
    with one_writer(folder / LEDGER):
        earlier = read_ledger(folder).get(key, set())
        if predictions not in earlier:
            with (folder / LEDGER).open("a", newline="", encoding="utf-8") as file:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                csv.writer(file).writerow([now, key, predictions])
    return len({*earlier, predictions})


def read_ledger(folder: Path) -> dict[str, set[str]]:
    """The different predictions (SHA-256) that each cell had, by key; empty where there is no ledger.

    Raises:
        ResultError: The file cannot be read as a ledger.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    path = folder / LEDGER
    if not path.exists():
        return {}
    content = read_plain_file(path, LEDGER_BYTES).decode("utf-8", "replace")
    try:
        for row in csv.reader(io.StringIO(content, newline="")):
            if len(row) == 3:
                found[row[1]].add(row[2])
    except csv.Error as error:
        raise ResultError(f"{path} cannot be read: {error}.") from error
    return dict(found)
