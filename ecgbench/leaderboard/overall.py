"""The overall table: rows against the questions of one data set, and means over complete rows only.

For each protocol and variant the tasks of a data set (its label sets) stand side by side. A row has a
mean over them only where it has them all; what is missing is said. Data sets, tracks and simulated and
real data never share an overall table.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgbench.leaderboard.cells import number
from ecgbench.leaderboard.rows import Row
from ecgbench.leaderboard.sheets import Sheet
from ecgbench.leaderboard.tables import Table
from ecgbench.stats.components import STATEMENTS, Statement
from ecgbench.stats.evidence import Runs
from ecgbench.stats.intervals import LEVEL
from ecgbench.stats.pairs import compare, holm
from ecgbench.stats.ranks import CriticalDifference, critical_difference, ranks
from ecgbench.stats.standings import rank_intervals


@dataclass(frozen=True)
class TableGroup:
    """The tables of one data set, protocol and variant: tasks that can be averaged over."""

    dataset: str
    track: str
    simulated: bool
    protocol: str
    variant: str
    part: str
    tables: Sequence[Table]

    @property
    def name(self) -> str:
        """``PROTOCOL@VARIANT``, and the part of a question that has several."""
        return f"{self.protocol}@{self.variant}" + (f", {self.part}" if self.part else "")


class MeanRank(NamedTuple):
    """A mean rank over tasks, NaN where there is none.

    Attributes:
        value: 1 is best.
        low: Mean over tasks of the least rank that the tests leave open.
        high: Mean of the greatest.
    """

    value: float
    low: float
    high: float


UNRANKED = MeanRank(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Line:
    """A row of a block.

    Attributes:
        row: Key of the row.
        cells: By task, its figure and, where it has none, why.
        mean: Over all tasks; NaN where one is missing.
        procedure: Its mean rank over the tasks among the rows that have three seeds in all of them.
        weights: Its mean rank among all rows that have a figure in all of them.
    """

    row: str
    cells: dict[str, tuple[float, str]]
    mean: float
    procedure: MeanRank = UNRANKED
    weights: MeanRank = UNRANKED


def blocks(tables: Sequence[Table]) -> list[TableGroup]:
    """Sort tables into blocks, by data set, track, protocol and variant; controls rank nobody."""
    grouped: defaultdict[tuple[str, str, bool, str, str, str], list[Table]] = defaultdict(list)
    for table in tables:
        if table.question.chance is not None:
            continue
        run = table.question.first
        key = (run.task.dataset, run.protocol.track, run.task.simulated, run.protocol.name)
        grouped[*key, run.protocol.variant, table.question.part].append(table)
    return [
        TableGroup(*key, tables)
        for key, tables in sorted(grouped.items(), key=lambda item: item[0])
    ]


def lines(block: TableGroup) -> list[Line]:
    """Answer one block: procedures first, the best mean rank first, incomplete rows last."""
    keys = sorted({row.key for table in block.tables for row in table.rows})
    rows = {key: [table.row(key) for table in block.tables] for key in keys}
    found = {key: _line(key, block.tables, rows[key]) for key in keys}
    complete = [key for key, line in found.items() if math.isfinite(line.mean)]
    procedures = [key for key in complete if all(row and row.procedure for row in rows[key])]
    for key, rank in _mean_ranks(procedures, block.tables, "procedure").items():
        found[key] = replace(found[key], procedure=rank)
    for key, rank in _mean_ranks(complete, block.tables, "weights").items():
        found[key] = replace(found[key], weights=rank)
    return sorted(found.values(), key=_order)


def compared(answered: Sequence[Line]) -> list[tuple[str, float]]:
    """The mean ranks of the procedures; where there is none those of the weights."""
    for statement in STATEMENTS[::-1]:
        ranked = [(line.row, getattr(line, statement).value) for line in answered]
        if any(math.isfinite(rank) for _, rank in ranked):
            return [(row, rank) for row, rank in ranked if math.isfinite(rank)]
    return []


def _order(line: Line) -> tuple[bool, float, bool, float, str]:
    of_procedure, of_weights = line.procedure.value, line.weights.value
    return (
        math.isnan(of_procedure),
        0.0 if math.isnan(of_procedure) else of_procedure,
        math.isnan(of_weights),
        0.0 if math.isnan(of_weights) else of_weights,
        line.row,
    )


def overall_sheet(members: Sequence[TableGroup]) -> Sheet:
    """All blocks of one data set and track, one line a row and protocol."""
    first = members[0]
    sets = sorted({t.question.first.task.name for block in members for t in block.tables})
    body = []
    for block in members:
        asked = {t.question.first.task.name for t in block.tables}
        for line in lines(block):
            cells = [_cell(line, name) if name in asked else "" for name in sets]
            body.append(
                (
                    block.name,
                    line.row,
                    number(line.mean),
                    *(number(part, 2) for part in (*line.procedure, *line.weights)),
                    f"{sum(math.isfinite(v) for v, _ in line.cells.values())} of {len(asked)}",
                    *cells,
                )
            )
    kind = "SIMULATED data" if first.simulated else "real data"
    of_rank = ("mean_rank", "mean_rank_low", "mean_rank_high")
    numeric = ("mean", *of_rank, *(f"weights_{name}" for name in of_rank))
    return Sheet(
        f"{first.dataset} ({kind}, track {first.track})",
        ("protocol", "row", *numeric, "tasks", *sets),
        tuple(body),
        frozenset(numeric),
        (
            "A mean stands only where a row has a ranked figure for every task of its line.",
            "mean_rank is of procedures, among the rows that have three seeds or more for every task; "
            "weights_mean_rank is of the trained models alone, among all rows that have a mean.",
            "Their intervals are means over tasks of the ranks that the paired tests leave open, with "
            "one Holm correction over all pairs of all tasks.",
        ),
    )


def _line(key: str, tables: Sequence[Table], rows: Sequence[Row | None]) -> Line:
    cells: dict[str, tuple[float, str]] = {}
    for table, row in zip(tables, rows, strict=True):
        name = table.question.first.task.name
        summary = row.summaries.get(table.lead.name) if row and table.lead else None
        if row is None:
            cells[name] = (math.nan, "missing")
        elif summary is None or row.weights is None:
            cells[name] = (math.nan, row.status)
        else:
            cells[name] = (summary.value, "")
    values = [value for value, _ in cells.values()]
    return Line(key, cells, math.fsum(values) / len(values))  # NaN where one is missing


def _mean_ranks(
    keys: Sequence[str], tables: Sequence[Table], statement: Statement
) -> dict[str, MeanRank]:
    """Ranks among some rows, averaged over tasks, with the ranks that the tests leave open."""
    if not keys:
        return {}
    upper = np.triu_indices(len(keys), 1)
    runs = [_runs(table, keys) for table in tables]
    raw = np.array([compare(task, statement).p_values()[upper] for task in runs])
    apart = holm(raw.ravel()).reshape(raw.shape) < LEVEL
    spans = []
    for k, table in enumerate(tables):
        values = _sign(table) * np.array([item.value for item in runs[k]])
        matrix = np.zeros((len(keys), len(keys)), np.bool_)
        matrix[upper] = apart[k]
        spans.append(rank_intervals(matrix | matrix.T, values[None, :] > values[:, None]))
    means = ranks(_values(runs, tables)).mean(axis=1)
    low, high = np.mean(spans, axis=0)
    return {
        key: MeanRank(*map(float, part)) for key, *part in zip(keys, means, low, high, strict=True)
    }


def ranks_over_tasks(block: TableGroup) -> CriticalDifference | None:
    """Friedman's test and Nemenyi's critical difference; None for fewer than two rows or tasks."""
    keys = [row for row, _ in compared(lines(block))]
    if len(keys) < 2 or len(block.tables) < 2:
        return None
    return critical_difference(_values([_runs(t, keys) for t in block.tables], block.tables))


def _values(runs: Sequence[Sequence[Runs]], tables: Sequence[Table]) -> NDArray[np.float64]:
    """``[rows, tasks]`` figures, greater ones better."""
    signs = np.array([_sign(table) for table in tables])
    return np.asarray(signs * np.array([[item.value for item in task] for task in runs]).T)


def _runs(table: Table, keys: Sequence[str]) -> list[Runs]:
    """The runs of some rows that have a figure."""
    assert table.lead is not None
    found = [table.row(key) for key in keys]
    of_lead = [row.summaries[table.lead.name].runs for row in found if row is not None]
    return [item for item in of_lead if item is not None]


def _sign(table: Table) -> float:
    return -1.0 if table.lead is not None and table.lead.lower_is_better else 1.0


def _cell(line: Line, name: str) -> str:
    value, reason = line.cells[name]
    return number(value) or reason
