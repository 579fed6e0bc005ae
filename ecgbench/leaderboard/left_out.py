"""Cells that were there and are gone: a mean without its worst run looks better.

The tables of what is left agree with themselves. But a run leaves more behind than its result: its
predictions, a line in the ledger of the machine that ran it, and, once built, a line in ``cells.csv``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from ecgbench.base.errors import ResultError
from ecgbench.base.inert import for_csv
from ecgbench.results.ledger import LEDGER, read_ledger
from ecgbench.results.limits import read_plain_file
from ecgbench.results.schema import Result

CELLS_BYTES = 256 * 2**20


def left_out(root: Path, found: Sequence[tuple[Path, Result]]) -> Iterator[tuple[str, str]]:
    """What a folder still knows of cells that it holds no result of.

    Args:
        root: Folder of results.
        found: All its results, with their files.

    Yields:
        The cell or file, and what is wrong with it in words.
    """
    claimed = {path.parent / r.predictions.file for path, r in found if r.predictions is not None}
    for path in sorted(root.rglob("*.npz")):
        if path not in claimed:
            yield str(path), "are predictions of no result"
    results = {result.key: result for _, result in found}
    try:
        ledger = read_ledger(root)
    except ResultError as error:
        yield str(root / LEDGER), error.message
        return
    for key, predictions in sorted(ledger.items()):
        if key not in results:
            yield key, f"was run, by {LEDGER}, and its result is left out"
        elif results[key].test_evaluations < len(predictions):
            said = results[key].test_evaluations
            yield key, f"says test_evaluations {said}; {LEDGER} has {len(predictions)}"


def gone_since_built(
    cells: Path, found: Sequence[tuple[Path, Result]]
) -> Iterator[tuple[str, str]]:
    """Cells of the committed ``cells.csv`` that have no result any more; as :func:`left_out`."""
    if not cells.is_file():
        return
    keys = {for_csv(result.key) for _, result in found}
    try:
        content = read_plain_file(cells, CELLS_BYTES).decode("utf-8", "replace")
        for line in csv.DictReader(io.StringIO(content, newline="")):
            if (key := line.get("cell") or "") not in keys:
                yield key, f"stands in {cells.name}, and its result is left out"
    except (ResultError, csv.Error) as error:
        yield str(cells), f"cannot be read: {error}"
