"""One question answered: its rows in order, and what the tests say of them, statement by statement.

Rows with three seeds or more are ranked as procedures. The trained models of all complete rows are
compared, too, in columns of their own: no rank and no letter mixes the two statements.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ecgbench.evaluation.metric_table import Metric, in_order, leading
from ecgbench.leaderboard.questions import QuestionResults, parts
from ecgbench.leaderboard.rows import COMPARED, STATUSES, Row, Standing, once, row_of
from ecgbench.plugins.catalogue import protocols
from ecgbench.stats.components import STATEMENTS, Statement
from ecgbench.stats.evidence import Runs
from ecgbench.stats.standings import standings

Pair = frozenset[str]


@dataclass(frozen=True)
class Table:
    """One question, answered.

    Attributes:
        question: With its identity.
        metrics: The columns.
        lead: What rows are ranked by.
        rows: Procedures first, best first; then rows with fewer seeds, best first; what is not compared
            comes after, by status and name.
        separable: By statement, the difference that half of the pairs of rows need to be separated.
        apart: By statement, keys of the pairs of rows that are separated.
    """

    question: QuestionResults
    metrics: list[Metric]
    lead: Metric | None
    rows: list[Row] = field(default_factory=list)
    separable: dict[Statement, float] = field(default_factory=dict)
    apart: dict[Statement, frozenset[Pair]] = field(default_factory=dict)

    def tells_apart(self, one: Row, other: Row, statement: Statement) -> bool:
        """Whether two rows are separated."""
        return frozenset((one.key, other.key)) in self.apart.get(statement, ())

    def row(self, key: str) -> Row | None:
        """A row by any of its names."""
        return next((row for row in self.rows if key in row.keys), None)

    @property
    def best(self) -> Row | None:
        """The first row that is compared at all."""
        return next((row for row in self.rows if row.weights is not None), None)

    @property
    def bar(self) -> Row | None:
        """The best untrained encoder."""
        return next((row for row in self.rows if row.against_bar == "bar"), None)

    @property
    def procedures(self) -> list[Row]:
        """The rows that are ranked as procedures, best first."""
        return [row for row in self.rows if row.procedure is not None]


def answer(question: QuestionResults) -> list[Table]:
    """Answer one question: a table for each of its parts."""
    return [table_of(part) for part in parts(question)]


def table_of(question: QuestionResults) -> Table:
    """Answer a question that has one part."""
    names = {name for result in question.results if result.scores for name in result.scores.figures}
    metrics = in_order(names)
    lead = leading(metrics)
    draws = _draws(question)
    control = question.chance is not None
    rows = [row_of(key, runs, metrics, draws, control) for key, runs in question.rows.items()]
    table = Table(question, metrics, lead, rows)
    if control or lead is None:  # nobody is better at chance
        return replace(table, rows=sorted(rows, key=lambda row: _order(row, None)))
    table = replace(table, rows=once(rows))
    for statement in STATEMENTS:
        table = _placed(table, lead, statement)
    table = replace(table, rows=sorted(table.rows, key=lambda row: _order(row, lead)))
    return replace(table, rows=_against_bar(table))


def _draws(question: QuestionResults) -> int:
    """Training subsets of a complete row: by the protocol's own file, never by what one row sent.

    A protocol that is not registered here has as many as most rows have.
    """
    first = question.first.protocol
    entry = protocols.entries().get(first.name)
    if entry is not None and entry.value is not None and first.variant in entry.value.variants:
        return entry.value.draws(first.variant)
    counts = Counter(len({run.draw for run in runs}) for runs in question.rows.values())
    return max(counts, key=lambda count: (counts[count], count))


def share_of(table: Table) -> tuple[float, str, str]:
    """The share of the labels that a variant's name says, in per cent, the name, and the part.

    The share is infinite for a name that says none. As a key of sorting it puts ``1%`` before ``10%``
    before ``100%``, and other names after them.
    """
    variant = table.question.first.protocol.variant
    digits = variant.removesuffix("%")
    is_share = variant != digits and digits.isascii() and digits.replace(".", "", 1).isdigit()
    return (float(digits) if is_share else math.inf), variant, table.question.part


def _placed(table: Table, lead: Metric, statement: Statement) -> Table:
    """The table with the standing of its rows by one statement."""
    runs = _compared(table.rows, lead.name, statement)
    if not runs:
        return table
    found = standings(list(runs.values()), statement, lead.lower_is_better)
    keys = [table.rows[position].key for position in runs]
    rows = list(table.rows)
    for place, position in enumerate(runs):
        same = tuple(keys[other] for other in np.flatnonzero(found.equivalent[place]))
        standing = Standing(
            found.ranks[place], found.low[place], found.high[place], found.letters[place], same
        )
        rows[position] = (
            replace(rows[position], weights=standing)
            if statement == "weights"
            else replace(rows[position], procedure=standing)
        )
    apart = frozenset(frozenset((keys[i], keys[j])) for i, j in np.argwhere(found.apart))
    return replace(
        table,
        rows=rows,
        separable={**table.separable, statement: found.separable},
        apart={**table.apart, statement: apart},
    )


def _compared(rows: Sequence[Row], metric: str, statement: Statement) -> dict[int, Runs]:
    """The runs of the rows that a statement compares, by position."""
    found = {}
    for position, row in enumerate(rows):
        summary = row.summaries.get(metric)
        enough = statement == "weights" or row.is_procedure(metric)
        if row.status in COMPARED and summary and summary.runs is not None and enough:
            found[position] = summary.runs
    return found


def _against_bar(table: Table) -> list[Row]:
    """The rows with what separates them from the best untrained encoder."""
    assert table.lead is not None
    metric, sign = table.lead.name, -1.0 if table.lead.lower_is_better else 1.0
    compared = [row for row in table.rows if row.weights is not None]
    bar = next((row for row in compared if row.untrained), None)
    if bar is None:
        return table.rows

    def against(row: Row) -> str:
        if row.weights is None or bar is None:
            return ""
        if row is bar:
            return "bar"
        both = row.procedure is not None and bar.procedure is not None
        mark = "" if both else " (weights)"
        if not table.tells_apart(row, bar, "procedure" if both else "weights"):
            return f"not separated{mark}"
        ahead = sign * (row.summaries[metric].value - bar.summaries[metric].value) > 0
        return f"{'above' if ahead else 'below'}{mark}"

    return [replace(row, against_bar=against(row)) for row in table.rows]


def _order(row: Row, lead: Metric | None) -> tuple[bool, bool, int, float, str]:
    summary = row.summaries.get(lead.name) if lead else None
    value = summary.value if summary else -math.inf
    sign = 1.0 if lead and lead.lower_is_better else -1.0
    return (
        row.weights is None,
        row.procedure is None,
        STATUSES.index(row.status) if row.weights is None else 0,
        sign * value,
        row.key,
    )
