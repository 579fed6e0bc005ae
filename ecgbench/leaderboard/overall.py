"""The overall table: rows against the questions of one data set, and means over complete rows only.

For each protocol and variant the tasks of a data set (its label sets) stand side by side. A row has a
mean over them only where it has them all; what is missing is said. Data sets, tracks and simulated and
real data never share an overall table.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbench.leaderboard.rows import Row, Table
from ecgbench.leaderboard.sheets import Sheet, number
from ecgbench.stats.ranks import CriticalDifference, critical_difference, mean_ranks


@dataclass(frozen=True)
class Block:
    """The tables of one data set, protocol and variant: tasks that can be averaged over."""

    dataset: str
    track: str
    simulated: bool
    protocol: str
    variant: str
    tables: Sequence[Table]

    @property
    def name(self) -> str:
        """``PROTOCOL@VARIANT``."""
        return f"{self.protocol}@{self.variant}"


@dataclass(frozen=True)
class Line:
    """A row of a block.

    Attributes:
        row: Key of the row.
        cells: By task, its figure and, where it has none, why.
        mean: Over all tasks; NaN where one is missing.
        rank: Mean rank over the tasks, among the rows that have them all; NaN otherwise.
        rank_span: Its 95 % interval over resamples of the patients.
    """

    row: str
    cells: dict[str, tuple[float, str]]
    mean: float
    rank: float = math.nan
    rank_span: tuple[float, float] = (math.nan, math.nan)


def blocks(tables: Sequence[Table]) -> list[Block]:
    """Sort tables into blocks, by data set, track, protocol and variant; controls rank nobody."""
    grouped: defaultdict[tuple[str, str, bool, str, str], list[Table]] = defaultdict(list)
    for table in tables:
        if table.question.chance is not None:
            continue
        run = table.question.first
        key = (run.task.dataset, run.protocol.track, run.task.simulated, run.protocol.name)
        grouped[*key, run.protocol.variant].append(table)
    return [
        Block(*key, tables) for key, tables in sorted(grouped.items(), key=lambda item: item[0])
    ]


def lines(block: Block) -> list[Line]:
    """Answer one block, the best mean rank first, incomplete rows last."""
    rows = [{row.key: row for row in table.rows} for table in block.tables]
    keys = sorted({key for table in rows for key in table})
    answered = [_line(key, block.tables, [table.get(key) for table in rows]) for key in keys]
    complete = [line for line in answered if math.isfinite(line.mean)]
    ranked = {line.row: line for line in _mean_ranks(complete, block.tables)}
    answered = [ranked.get(line.row, line) for line in answered]
    return sorted(answered, key=lambda line: (math.isnan(line.rank), line.rank, line.row))


def overall_sheet(members: Sequence[Block]) -> Sheet:
    """All blocks of one data set and track, one line a row and protocol."""
    first = members[0]
    sets = sorted({t.question.first.task.name for block in members for t in block.tables})
    body = []
    for block in members:
        asked = {t.question.first.task.name for t in block.tables}
        for line in lines(block):
            cells = [_cell(line, name) if name in asked else "" for name in sets]
            low, high = line.rank_span
            body.append(
                (
                    block.name,
                    line.row,
                    number(line.mean),
                    number(line.rank, 2),
                    number(low, 2),
                    number(high, 2),
                    f"{sum(math.isfinite(v) for v, _ in line.cells.values())} of {len(asked)}",
                    *cells,
                )
            )
    kind = "SIMULATED data" if first.simulated else "real data"
    numeric = ("mean", "mean_rank", "mean_rank_low", "mean_rank_high")
    return Sheet(
        f"{first.dataset} ({kind}, track {first.track})",
        ("protocol", "row", *numeric, "tasks", *sets),
        tuple(body),
        frozenset(numeric),
        (
            "A mean stands only where a row has a ranked figure for every task of its line.",
            "Ranks are among the rows that have one.",
        ),
    )


def _line(key: str, tables: Sequence[Table], rows: Sequence[Row | None]) -> Line:
    cells: dict[str, tuple[float, str]] = {}
    for table, row in zip(tables, rows, strict=True):
        name = table.question.first.task.name
        summary = row.summaries.get(table.lead.name) if row and table.lead else None
        if row is None:
            cells[name] = (math.nan, "missing")
        elif summary is None or row.rank is None:
            cells[name] = (math.nan, row.status)
        else:
            cells[name] = (summary.value, "")
    values = [value for value, _ in cells.values()]
    return Line(key, cells, math.fsum(values) / len(values))  # NaN where one is missing


def _mean_ranks(complete: Sequence[Line], tables: Sequence[Table]) -> list[Line]:
    """Ranks among complete rows, averaged over tasks, with intervals over resamples."""
    if not complete:
        return []
    draws = [_draws(table, complete) for table in tables]
    shortest = min(task.shape[1] for task in draws)
    found = mean_ranks(_values(complete, tables), [task[:, :shortest] for task in draws])
    return [
        Line(line.row, line.cells, line.mean, rank.value, (rank.low, rank.high))
        for line, rank in zip(complete, found, strict=True)
    ]


def ranks_over_tasks(block: Block) -> CriticalDifference | None:
    """Friedman's test and Nemenyi's critical difference; None for fewer than two rows or tasks."""
    complete = [line for line in lines(block) if math.isfinite(line.mean)]
    if len(complete) < 2 or len(block.tables) < 2:
        return None
    return critical_difference(_values(complete, block.tables))


def _values(complete: Sequence[Line], tables: Sequence[Table]) -> NDArray[np.float64]:
    """``[rows, tasks]`` figures, greater ones better."""
    named = [(table.question.first.task.name, _sign(table)) for table in tables]
    return np.array([[sign * line.cells[name][0] for name, sign in named] for line in complete])


def _draws(table: Table, complete: Sequence[Line]) -> NDArray[np.float64]:
    """``[rows, resamples]`` of one task."""
    assert table.lead is not None
    by_key = {row.key: row.summaries[table.lead.name].evidence for row in table.rows if row.rank}
    chosen = [by_key[line.row] for line in complete]
    return _sign(table) * np.stack([item.replicates for item in chosen if item is not None])


def _sign(table: Table) -> float:
    return -1.0 if table.lead is not None and table.lead.lower_is_better else 1.0


def _cell(line: Line, name: str) -> str:
    value, reason = line.cells[name]
    return number(value) or reason
