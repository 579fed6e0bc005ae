"""What changed between two versions of a leaderboard, or two states of one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ecgbench.leaderboard.build import RESULTS
from ecgbench.leaderboard.cells import number
from ecgbench.leaderboard.questions import questions
from ecgbench.leaderboard.rows import Row
from ecgbench.leaderboard.sheets import Sheet, question_title
from ecgbench.leaderboard.tables import Table, answer
from ecgbench.leaderboard.versions import read_pins
from ecgbench.results.schema import Result
from ecgbench.results.store import read_results

MOST = 200  # lines; more help no reviewer


def diff(old: Path, new: Path) -> list[Sheet]:
    """Compare by cell, by row and by what is pinned; equal ones are left out.

    Args:
        old: Folder of a version, or of results; may be missing (everything is new then).
        new: The same.

    Raises:
        ResultError: A result that cannot be read.
    """
    before, after = _load(old), _load(new)
    return [
        _limited(_cells(before, after)),
        _limited(_rows(_tables(before.values()), _tables(after.values()))),
        _limited(_pins(old, new)),
    ]


def _load(folder: Path) -> dict[str, Result]:
    root = folder / RESULTS if (folder / RESULTS).is_dir() else folder
    return {result.key: result for _, result in read_results(root)}


def _cells(before: dict[str, Result], after: dict[str, Result]) -> Sheet:
    lines = []
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        if one == other:
            continue
        what = _added(other) if one is None else _changed(one, other)
        lines.append((key, what, _figures(one), _figures(other)))
    return Sheet("Cells", ("cell", "what", "old", "new"), tuple(lines))


def _added(result: Result | None) -> str:
    """A new cell; only a maintainer's may call itself verified, so that a reviewer has to see it."""
    return "added: verified" if result and result.verification == "verified" else "added"


def _changed(one: Result, other: Result | None) -> str:
    """The parts of a record that differ."""
    if other is None:
        return "removed"
    parts = [name for name in Result.model_fields if getattr(one, name) != getattr(other, name)]
    return "changed: " + ", ".join(parts)


def _figures(result: Result | None) -> str:
    if result is None:
        return ""
    if result.scores is None:
        return f"{result.status}: {result.reason}"
    named = result.scores.figures
    return ", ".join(f"{name} {number(figure.value)}" for name, figure in sorted(named.items()))


def _pins(old: Path, new: Path) -> Sheet:
    """Questions that version.json pins otherwise than before: none, in an honest submission."""
    before, after = read_pins(old), read_pins(new)
    lines = [
        (name, "removed" if name not in after else "changed")
        for name in sorted(before)
        if before[name] != after.get(name)
    ]
    return Sheet("Pinned questions", ("question", "what"), tuple(lines))


def _tables(results: Iterable[Result]) -> dict[str, Table]:
    found = (table for question in questions(results) for table in answer(question))
    return {question_title(table): table for table in found}


def _rows(before: dict[str, Table], after: dict[str, Table]) -> Sheet:
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old = {row.key: row for row in before[name].rows} if name in before else {}
        new = {row.key: row for row in after[name].rows} if name in after else {}
        for key in sorted(old.keys() | new.keys()):
            cells = (
                _standing(before.get(name), old.get(key)),
                _standing(after.get(name), new.get(key)),
            )
            if cells[0] != cells[1]:
                lines.append((name, key, *cells))
    return Sheet("Rows", ("question", "row", "old", "new"), tuple(lines))


def _standing(table: Table | None, row: Row | None) -> str:
    if row is None or table is None:
        return ""
    summary = row.summaries.get(table.lead.name) if table.lead else None
    figure = f"{table.lead.title} {number(summary.value)}" if summary and table.lead else ""
    rank = f"rank {row.procedure.rank}" if row.procedure else ""
    if row.weights and not rank:
        rank = f"rank {row.weights.rank} of weights"
    return ", ".join(part for part in (rank, figure, row.status) if part)


def _limited(sheet: Sheet) -> Sheet:
    rest = len(sheet.rows) - MOST
    count = f"{len(sheet.rows)} differ."
    notes = (f"{count} {rest} more are not shown." if rest > 0 else count,)
    return Sheet(sheet.title, sheet.columns, sheet.rows[:MOST], sheet.numeric, notes)
