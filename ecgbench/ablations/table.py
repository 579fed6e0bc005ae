"""The results of a method's variants as one Markdown table, and its place in the card."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ecgbench.ablations.variants import AS_IT_IS, Variant
from ecgbench.base.errors import ResultError
from ecgbench.base.inert import for_markdown
from ecgbench.base.paths import atomic_write
from ecgbench.leaderboard.cells import number, pretrained_on
from ecgbench.leaderboard.rows import Row
from ecgbench.leaderboard.show import tables_of
from ecgbench.leaderboard.tables import Table
from ecgbench.results.schema import Result
from ecgbench.stats.components import MIN_SEEDS, Statement
from ecgbench.stats.evidence import Runs
from ecgbench.stats.intervals import LEVEL
from ecgbench.stats.pairs import compare, holm

BEGIN, END = "<!-- ablations: begin -->", "<!-- ablations: end -->"
Found = Mapping[Variant, Sequence[Result]]


def ablation_table(found: Found) -> str:
    """One row per variant and one column per question, with the main metric and its interval.

    A star marks a difference from the unchanged method, with Holm's correction over the lines of a
    column: as procedures where every line has three seeds, else for these weights alone.

    Args:
        found: The results of each variant.

    Raises:
        ResultError: There is no result.
    """
    results = [result for of_one in found.values() for result in of_one]
    if not results:
        raise ResultError("There are no results to make a table of.")
    tables = tables_of(results)
    columns = [_column(table, found) for table in tables]
    test = max((t.question.first.data.n_test for t in tables if t.question.first.data), default=0)
    lines = lines_of(
        [for_markdown(_heading(table)) for table in tables],
        {variant: [column[variant] for column in columns] for variant in found},
    )
    said = setting(results, f"{test} test records")
    return "\n".join([*said, "", *lines, "", _legend(results), ""])


def lines_of(head: Sequence[str], cells: Mapping[Variant, Sequence[str]]) -> list[str]:
    """A Markdown table: a line a variant, with its overrides and its cells."""
    lines = [_line(["variant", "overrides", *head]), _line(["---"] * (len(head) + 2))]
    for variant, of_one in cells.items():
        keys = ", ".join(f"`{one}`" for one in variant.overrides)
        lines.append(_line([for_markdown(variant.name), keys, *of_one]))
    return lines


def write_into(card: Path, table: str) -> None:
    """Write a table between the two marks of a card.

    Raises:
        ResultError: The card has no such marks.
    """
    text = card.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ResultError(
            f"{card} has no place for the table.", f"Give it two lines: {BEGIN} and {END}."
        )
    atomic_write(card, f"{before}{BEGIN}\n{table}{END}{after}")


def _column(table: Table, found: Found) -> dict[Variant, str]:
    """The cells of one question, by variant."""
    rows = {variant: _row(table, results) for variant, results in found.items()}
    apart = _apart({v: _runs(table, row) for v, row in rows.items()})
    return {v: _cell(table, row) + (" *" if v in apart else "") for v, row in rows.items()}


def _row(table: Table, results: Sequence[Result]) -> Row | None:
    keys = {result.row for result in results}
    return next((row for row in table.rows if keys & set(row.keys)), None)


def _runs(table: Table, row: Row | None) -> Runs | None:
    summary = row.summaries.get(table.lead.name) if row and table.lead else None
    return summary.runs if summary and row and row.status not in ("mixed", "incomplete") else None


def _apart(known: Mapping[Variant, Runs | None]) -> set[Variant]:
    """The variants that differ from the unchanged method."""
    base = known.get(AS_IT_IS)
    others = {v: item for v, item in known.items() if v != AS_IT_IS and item is not None}
    if base is None or not others:
        return set()
    seeds = min(item.seeds for item in (base, *others.values()))
    statement: Statement = "procedure" if seeds >= MIN_SEEDS else "weights"
    raw = np.array([compare([base, item], statement).p_values()[0, 1] for item in others.values()])
    return {v for v, p in zip(others, holm(raw), strict=True) if p < LEVEL}


def _cell(table: Table, row: Row | None) -> str:
    if row is None or table.lead is None:
        return "missing"
    summary = row.summaries.get(table.lead.name)
    if summary is None:
        return row.status
    text = number(summary.value, 3)
    if math.isfinite(summary.span.low):
        text += f" ({number(summary.span.low, 3)} to {number(summary.span.high, 3)})"
    if math.isfinite(summary.sd_seeds):
        text += f" ± {number(summary.sd_seeds, 3)}"
    return text if row.status in ("verified", "self-reported") else f"{text}, {row.status}"


def _heading(table: Table) -> str:
    protocol = table.question.first.protocol
    lead = table.lead.title if table.lead else ""
    return f"{table.question.first.task.name}, {protocol.name}@{protocol.variant}: {lead}"


def setting(results: Sequence[Result], records: str) -> list[str]:
    """What the figures are of, before the table; ``records`` says how many of which split."""
    first = next((result for result in results if result.status == "ok"), results[0])
    kind = "SIMULATED data" if first.task.simulated else "Real data"
    seeds = ", ".join(str(seed) for seed in sorted({result.seed for result in results}))
    corpora = sorted({pretrained_on(result) for result in results if result.status == "ok"})
    steps = sorted({result.pretraining.steps for result in results})
    sentence = (
        f"{kind}: {first.task.dataset}, {records}. Every line: profile {first.profile}, "
        f"seed {seeds}, pre-trained on {' or '.join(corpora)} for {' or '.join(map(str, steps))} "
        f"steps of {first.config['pretrain']['batch_size']} records."
    )
    return [for_markdown(sentence)]


def _legend(results: Sequence[Result]) -> str:
    by_row: defaultdict[str, set[int]] = defaultdict(set)
    for result in results:
        by_row[result.row].add(result.seed)
    seeds, least = (pick(map(len, by_row.values())) for pick in (max, min))
    spread = (
        "±: standard deviation over seeds."
        if seeds > 1
        else ("One seed: the intervals do not include the variation between seeds.")
    )
    over = "patients and seeds" if least >= MIN_SEEDS else "patients alone"
    shuffles = " (for shuffled reports also over the shuffles, one per seed)" if seeds > 1 else ""
    return (
        f"In brackets: 95 % intervals over test patients{shuffles}. *: differs from the unchanged method "
        f"(over {over}, 5 %, Holm's correction down the column). {spread}"
    )


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
