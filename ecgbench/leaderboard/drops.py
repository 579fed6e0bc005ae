"""How far a figure falls from the clean cell: for protocols with a variant named ``clean``.

Where a variant is scored on the same records as the clean one (corruption, lead loss), the drop has an
interval from the same resamples; where it is scored on others (a group of patients) it has none.
Variants that are levels of one kind (``gain-1``, ``gain-2``, ...) have a line with their mean, too.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ecgbench.leaderboard.evidence import Evidence, mean_of, paired_errors
from ecgbench.leaderboard.rows import Row, Table
from ecgbench.leaderboard.sheets import Sheet, number

CLEAN = "clean"
QUANTILE = 1.959963984540054  # of the normal distribution, as in every paired comparison
UNDEFINED = "undefined"
NO_FIGURE = (UNDEFINED, "not-applicable")  # nothing that another run could bring


@dataclass(frozen=True)
class Fall:
    """A row's figure under a variant, or its mean over the levels of a kind.

    Attributes:
        name: The variant, or the kind with ``(mean)``.
        value: The figure; NaN where there is none.
        evidence: What its interval comes from; None where it is of other records than the clean one's.
        reason: Why there is no figure, else empty.
    """

    name: str
    value: float
    evidence: Evidence | None
    reason: str = ""


def drop_sheet(tables: Sequence[Table]) -> Sheet | None:
    """Each row's drop by variant, and its worst variant; None where no variant is the clean one.

    Args:
        tables: All variants of a task and protocol.
    """
    clean = next((t for t in tables if _variant(t) == CLEAN), None)
    if clean is None or clean.lead is None or len(tables) < 2:
        return None
    others = [table for table in tables if table is not clean]
    lines = []
    for row in clean.rows:
        base = _fall(row.key, clean, clean)
        if not base.reason:
            falls = [_fall(row.key, table, clean) for table in others]
            lines += _lines(row, base, falls, clean.lead.lower_is_better)
            lines += _lines(row, base, _means(falls), clean.lead.lower_is_better)
    figures = ("figure", "clean", "drop", "drop_low", "drop_high")
    return Sheet(
        f"Drop in {clean.lead.title} from clean: {clean.question.first.task.name}",
        ("row", "variant", *figures, "worst"),
        tuple(lines),
        frozenset(figures),
        (
            "A positive drop is a loss. The interval is paired, over patients. `worst` is the largest "
            "drop among the variants of a row, and among its means.",
        ),
    )


def _fall(key: str, table: Table, clean: Table) -> Fall:
    """A row's figure in the table of a variant."""
    row = next((row for row in table.rows if row.key == key), None)
    assert clean.lead is not None
    summary = row.summaries.get(clean.lead.name) if row is not None and row.rank else None
    if summary is None:
        unscored = row is not None and row.status in ("verified", "self-reported")
        reason = UNDEFINED if unscored else row.status if row is not None else "missing"
        return Fall(_variant(table), math.nan, None, reason)
    names = ("resamples", "test records and labels")
    of_both = (table.question.identity, clean.question.identity)
    paired = all(of_both[0].get(name) == of_both[1].get(name) for name in names)
    return Fall(_variant(table), summary.value, summary.evidence if paired else None)


def _means(falls: Sequence[Fall]) -> list[Fall]:
    """The mean of each kind whose levels are numbered from 1; none of a kind that lacks a figure."""
    kinds: defaultdict[str, dict[int, Fall]] = defaultdict(dict)
    for fall in falls:
        if found := re.fullmatch(r"(.+)-(\d+)", fall.name):
            kinds[found[1]][int(found[2])] = fall
    means = []
    for kind, levels in kinds.items():
        if len(levels) < 2 or sorted(levels) != list(range(1, len(levels) + 1)):
            continue
        reasons = [fall.reason for fall in levels.values() if fall.reason]
        known = [fall.evidence for fall in levels.values() if fall.evidence is not None]
        value = math.fsum(fall.value for fall in levels.values()) / len(levels)
        together = mean_of(known) if len(known) == len(levels) else None
        means.append(Fall(f"{kind} (mean)", value, together, reasons[0] if reasons else ""))
    return means


def _lines(
    row: Row, base: Fall, falls: Sequence[Fall], lower_is_better: bool
) -> list[tuple[str, ...]]:
    sign = -1.0 if lower_is_better else 1.0
    drops = [sign * (base.value - fall.value) for fall in falls]
    # The worst of what is there says little where something is missing that could be there.
    complete = all(not fall.reason or fall.reason in NO_FIGURE for fall in falls)
    worst = max((drop for drop in drops if math.isfinite(drop)), default=math.nan)
    lines: list[tuple[str, ...]] = []
    for fall, drop in zip(falls, drops, strict=True):
        reach = QUANTILE * _error(base, fall)
        figures = (fall.value, base.value, drop, drop - reach, drop + reach)
        said = "worst" if complete and drop == worst else fall.reason
        lines.append((row.key, fall.name, *(number(figure) for figure in figures), said))
    return lines


def _error(base: Fall, fall: Fall) -> float:
    """Standard error of the drop; NaN where the two are not of the same resamples."""
    if base.evidence is None or fall.evidence is None:
        return math.nan
    return float(paired_errors([base.evidence, fall.evidence])[0, 1])


def _variant(table: Table) -> str:
    return table.question.first.protocol.variant
