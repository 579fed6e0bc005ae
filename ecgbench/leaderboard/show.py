"""A leaderboard on the terminal."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ecgbench.base.errors import ResultError, did_you_mean
from ecgbench.base.inert import plain
from ecgbench.leaderboard.headline import title
from ecgbench.leaderboard.questions import questions
from ecgbench.leaderboard.sheets import brief_sheet, question_title
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


def show(results: Path | Sequence[Result], only: str = "*") -> str:
    """One table a question, as wide as the terminal.

    Args:
        results: A folder of results, or results.
        only: Shell pattern of the questions wanted, ``TASK/PROTOCOL@VARIANT``.

    Raises:
        ResultError: A result that cannot be read, two for one cell, or no question that is wanted.
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
        for table in tables_of(results, only):
            console.print(to_terminal(brief_sheet(table)))
    return printed.get()


def show_method(results: Sequence[Result], method: str) -> str:
    """Where a method stands: its figure in every question, and its rank among the trained models.

    Raises:
        ResultError: The results hold no figure of the method; names the nearest.
    """
    from tabulate import tabulate

    lines = []
    for table in tables_of(results):
        ranked = [row for row in table.rows if row.weights is not None]
        for row in table.rows:
            found = row.summaries.get(table.lead.name) if table.lead else None
            if row.first.method.name == method and found is not None and table.lead is not None:
                place = f"{row.weights.rank} of {len(ranked)}" if row.weights else row.status
                span = (
                    "" if found.span.low != found.span.low else "{:.3f}-{:.3f}".format(*found.span)
                )
                lines.append(
                    [
                        question_title(table),
                        plain(title(row)),
                        f"{table.lead.title} {found.value:.3f}",
                        span,
                        place,
                        row.against_bar,
                    ]
                )
    if not lines:
        known = {result.method.name for result in results}
        raise ResultError(f"There are no figures of {method!r}.", did_you_mean(method, known))
    headers = ["question", "row", "figure", "95 %", "rank", "against untrained"]
    return str(tabulate(lines, headers, tablefmt="simple", disable_numparse=True))


def _order(table: Table) -> tuple[str, str, tuple[float, str, str]]:
    run = table.question.first
    return run.task.name, run.protocol.name, share_of(table)
