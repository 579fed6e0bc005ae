"""How far a figure falls from the clean cell: for protocols with a variant named ``clean``.

Where a variant is scored on the same records as the clean one (corruption, lead loss), the drop has an
interval from the same resamples; where it is scored on others (a group of patients) it has none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ecgbench.leaderboard.evidence import paired_errors
from ecgbench.leaderboard.rows import Row, Summary, Table
from ecgbench.leaderboard.sheets import Sheet, number

CLEAN = "clean"
QUANTILE = 1.959963984540054  # of the normal distribution, as in every paired comparison


def drop_sheet(tables: Sequence[Table]) -> Sheet | None:
    """Each row's drop by variant, and its worst variant; None where no variant is the clean one.

    Args:
        tables: All variants of a task and protocol.
    """
    clean = next((t for t in tables if t.question.first.protocol.variant == CLEAN), None)
    if clean is None or clean.lead is None or len(tables) < 2:
        return None
    others = [table for table in tables if table is not clean]
    lines = []
    for row in clean.rows:
        base = row.summaries.get(clean.lead.name) if row.rank else None
        if base is not None:
            lines += _lines(row, base, others, clean)
    figures = ("figure", "clean", "drop", "drop_low", "drop_high")
    return Sheet(
        f"Drop in {clean.lead.title} from clean: {clean.question.first.task.name}",
        ("row", "variant", *figures, "worst"),
        tuple(lines),
        frozenset(figures),
        ("A positive drop is a loss. The interval is paired, over patients.",),
    )


def _lines(row: Row, base: Summary, others: Sequence[Table], clean: Table) -> list[tuple[str, ...]]:
    assert clean.lead is not None
    sign = -1.0 if clean.lead.lower_is_better else 1.0
    found = []
    for table in others:
        same = next((other for other in table.rows if other.key == row.key), None)
        summary = same.summaries.get(clean.lead.name) if same is not None and same.rank else None
        drop = sign * (base.value - summary.value) if summary else math.nan
        found.append((table, same, summary, drop))
    known = [drop for *_, drop in found if math.isfinite(drop)]
    # The worst of what is there says little where something is missing.
    worst = max(known) if len(known) == len(found) else math.nan
    lines: list[tuple[str, ...]] = []
    for table, same, summary, drop in found:
        reach = QUANTILE * _error(clean, table, base, summary)
        lines.append(
            (
                row.key,
                table.question.first.protocol.variant,
                number(summary.value) if summary else "",
                number(base.value),
                number(drop),
                number(drop - reach),
                number(drop + reach),
                "worst" if drop == worst else "" if summary else same.status if same else "missing",
            )
        )
    return lines


def _error(clean: Table, table: Table, base: Summary, other: Summary | None) -> float:
    """Standard error of the drop; NaN where the two are not of the same resamples."""
    names = ("resamples", "test records and labels")
    paired = all(
        clean.question.identity.get(name) == table.question.identity.get(name) for name in names
    )
    if other is None or base.evidence is None or other.evidence is None or not paired:
        return math.nan
    return float(paired_errors([base.evidence, other.evidence])[0, 1])
