"""The sentences below a table: its test split, what it can tell apart, what to know of its rows."""

from __future__ import annotations

import math
from collections import defaultdict

from ecgbench.leaderboard.controls import control_notes
from ecgbench.leaderboard.rows import Row, Summary, Table

UNTRAINED = "random_init"
"""How the names of methods begin whose encoder is a pre-trained method's before its training."""


def notes_of(table: Table) -> tuple[str, ...]:
    """How to read a table."""
    notes = []
    good = [run for row in table.rows for run in row.good]
    if good and good[0].data is not None:
        data = good[0].data
        notes.append(f"Test split: {data.n_test} records of {data.n_test_patients} patients.")
    notes += control_notes(table)
    if math.isfinite(table.separable) and table.lead:
        notes.append(
            f"Smallest difference in {table.lead.title} that this split separates (paired, 5 %, median "
            f"over pairs): {table.separable:.4f}."
        )
    return (*notes, *untrained_notes(table), *_row_notes(table))


def untrained_notes(table: Table) -> list[str]:
    """Which pre-trained rows do not stand clear of the best encoder that was never trained."""
    ranked = [row for row in table.rows if row.rank is not None]  # best first
    pretrained = [row for row in ranked if row.first.pretraining.datasets]
    untrained = next((r for r in ranked if r.first.method.name.startswith(UNTRAINED)), None)
    if table.lead is None or untrained is None or not pretrained:
        return []
    limit = untrained.summaries[table.lead.name]
    close = [row for row in pretrained if not _clear(row.summaries[table.lead.name], limit, table)]
    if not close:
        return [f"Clear of an untrained encoder ({untrained.key}) by 95 % intervals: all."]
    named = ", ".join(f"{row.key} (paired test: {_test(row, untrained, table)})" for row in close)
    return [f"Not clear of an untrained encoder ({untrained.key}) by 95 % intervals: {named}."]


def _clear(one: Summary, limit: Summary, table: Table) -> bool:
    if table.lead is not None and table.lead.lower_is_better:
        return one.span.high < limit.span.low
    return one.span.low > limit.span.high


def _test(row: Row, untrained: Row, table: Table) -> str:
    if not table.tells_apart(row.key, untrained.key):
        return "not separated"
    assert row.rank is not None
    assert untrained.rank is not None
    return "separated" if row.rank < untrained.rank else "worse"


def _row_notes(table: Table) -> list[str]:
    """What rows have to say, once each."""
    said: defaultdict[str, list[str]] = defaultdict(list)
    for row in table.rows:
        for note in row.notes:
            said[note.rstrip(".")].append(row.key)
    return [
        f"{'Every row' if len(keys) == len(table.rows) > 1 else ', '.join(keys)}: {note}."
        for note, keys in said.items()
    ]
