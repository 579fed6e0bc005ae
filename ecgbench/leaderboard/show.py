"""A leaderboard on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecgbench.leaderboard.questions import questions
from ecgbench.leaderboard.rows import Table, table_of
from ecgbench.leaderboard.sheets import Sheet, short_sheet
from ecgbench.results.schema import Result
from ecgbench.results.store import read_results

if TYPE_CHECKING:
    from rich.console import Group


def sheets(results: Path | Sequence[Result]) -> list[Sheet]:
    """One sheet a question, in the order of their names.

    Args:
        results: A folder of results, or results.

    Raises:
        ResultError: A result that cannot be read, or two for one cell.
    """
    if isinstance(results, Path):
        results = [result for _, result in read_results(results)]
    tables = [table_of(question) for question in questions(results)]
    return [short_sheet(table) for table in sorted(tables, key=_order)]


def show(results: Path | Sequence[Result]) -> Group:
    """What ``ecgbench run`` prints at its end; as :func:`sheets`, ready for rich's ``print``."""
    from rich.console import Group

    from ecgbench.leaderboard.formats import to_terminal

    return Group(*(to_terminal(sheet) for sheet in sheets(results)))


def _order(table: Table) -> tuple[str, str, float, str]:
    run = table.question.first
    digits = run.protocol.variant.rstrip("%")
    share = float(digits) if digits.isascii() and digits.isdigit() else 1e9
    return run.task.name, run.protocol.name, share, run.protocol.variant
