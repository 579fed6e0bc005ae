"""How a control's table is read: not who is best, but whether each row comes out at chance."""

from __future__ import annotations

import math

from ecgbench.leaderboard.rows import Row
from ecgbench.leaderboard.summaries import control_runs
from ecgbench.leaderboard.tables import Table
from ecgbench.stats.components import patients_alone, with_training
from ecgbench.stats.intervals import LEVEL, p_of_value
from ecgbench.stats.pairs import holm


def holds_chance(table: Table, row: Row) -> bool | None:
    """Whether a row's interval holds chance; None for other questions, or without an interval."""
    summary = row.summaries.get(table.lead.name) if table.lead else None
    chance = table.question.chance
    if chance is None or summary is None or not math.isfinite(summary.span.low):
        return None
    return summary.span.low <= chance <= summary.span.high


def control_notes(table: Table) -> list[str]:
    """Which rows are off chance, and which stay so when the number of rows is counted."""
    chance = table.question.chance
    if chance is None or table.lead is None:
        return []
    notes = [
        f"A control: nobody is ranked. {table.lead.title} is {chance:g} unless something leaks; "
        "intervals are over patients and draws."
    ]
    judged = [row for row in table.rows if holds_chance(table, row) is not None]
    if any(len({run.draw for run in row.good}) == 1 for row in judged):
        notes.append("An interval of one draw is over patients alone, and too narrow.")
    off = [row.key for row in judged if not holds_chance(table, row)]
    if off:
        adjusted = holm([_p_value(table, row, chance) for row in judged])
        leaks = [row.key for row, p in zip(judged, adjusted, strict=True) if p < LEVEL]
        notes += [
            f"Interval without {chance:g}: {', '.join(off)}. One row in twenty has that by luck.",
            f"Away from {chance:g} with Holm's correction over the {len(judged)} rows: "
            + (f"{', '.join(leaks)}; look for a leak." if leaks else "none."),
        ]
    elif judged:
        notes.append(f"Every interval holds {chance:g}.")
    return notes


def _p_value(table: Table, row: Row, chance: float) -> float:
    assert table.lead is not None
    summary = row.summaries[table.lead.name]
    assert summary.runs is not None
    over = control_runs(summary.runs, row.good)
    error = with_training(over) if over.values.size > 1 else patients_alone(over)
    return p_of_value(summary.value, chance, error)
