"""Figures that papers report, each with its citation: shown beside ours, never ranked with them.

``leaderboards/reported/*.csv`` with the columns :data:`COLUMNS`; lines that start with ``#`` are notes.
"""

from __future__ import annotations

import csv
from pathlib import Path

from ecgbench.base.errors import ResultError
from ecgbench.leaderboard.sheets import Sheet

COLUMNS = ("method", "task", "protocol", "metric", "value", "unit", "reported_by", "citation")
SHOWN = frozenset({"value"})


def reported_sheets(folder: Path) -> list[Sheet]:
    """Every file of a folder, by name; none where there is no folder.

    Raises:
        ResultError: Another heading, a figure that is no number, or one without a citation.
    """
    return [_sheet(path) for path in sorted(folder.glob("*.csv"))]


def _sheet(path: Path) -> Sheet:
    lines = [
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    rows = list(csv.reader(lines))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise ResultError(f"{path} has other columns than {', '.join(COLUMNS)}.")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(COLUMNS):
            raise ResultError(f"{path}, row {number}: {len(row)} columns, not {len(COLUMNS)}.")
        cells = dict(zip(COLUMNS, row, strict=True))
        if not cells["citation"].startswith(("https://", "doi:", "arXiv:")):
            raise ResultError(
                f"{path}, row {number}: {cells['method']} has no citation that a reader can open.",
                "Give an address, a doi: or an arXiv: number.",
            )
        try:
            float(cells["value"])
        except ValueError as error:
            raise ResultError(f"{path}, row {number}: {cells['value']!r} is no number.") from error
    return Sheet(path.stem.replace("-", " "), COLUMNS, tuple(map(tuple, rows[1:])), SHOWN)
