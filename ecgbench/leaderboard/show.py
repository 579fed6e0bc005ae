"""A leaderboard on the terminal."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ecgbench.base.errors import ResultError, did_you_mean
from ecgbench.leaderboard.questions import questions
from ecgbench.leaderboard.sheets import brief_sheet
from ecgbench.leaderboard.tables import Table, answer, share_of
from ecgbench.results.schema import Result
from ecgbench.results.store import read_results

WIDTH = 160  # where nobody looks at a terminal


def tables_of(results: Sequence[Result], only: str = "*") -> list[Table]:
    """One table a question, in the order of their names.

    Args:
        results: Of whatever questions.
        only: Shell pattern of the questions wanted, ``TASK/PROTOCOL@VARIANT``.

    Raises:
        ResultError: Two results for one cell, or no question that is wanted.
    """
    asked = questions(results)
    wanted = [question for question in asked if fnmatchcase(question.name, only)]
    if not wanted:
        known = dict.fromkeys(question.name for question in asked)
        raise ResultError(f"No question matches {only!r}.", did_you_mean(only, known))
    return sorted((one for question in wanted for one in answer(question)), key=_order)


def show(results: Path | Sequence[Result]) -> str:
    """What ``ecgbench run`` prints at its end: one table a question, as wide as the terminal.

    Args:
        results: A folder of results, or results.

    Raises:
        ResultError: A result that cannot be read, or two for one cell.
    """
    from rich.console import Console

    from ecgbench.leaderboard.formats import to_terminal

    if isinstance(results, Path):
        results = [result for _, result in read_results(results)]
    if not results:
        return "No results."
    styled = sys.stdout.isatty()
    width = shutil.get_terminal_size((WIDTH, 0)).columns if styled else WIDTH
    console = Console(
        file=io.StringIO(), width=width, force_terminal=styled, highlight=False, emoji=False
    )
    with console.capture() as printed:
        for table in tables_of(results):
            console.print(to_terminal(brief_sheet(table)))
    return printed.get()


def _order(table: Table) -> tuple[str, str, tuple[float, str, str]]:
    run = table.question.first
    return run.task.name, run.protocol.name, share_of(table)
