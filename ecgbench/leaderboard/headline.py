"""One screen for a run: the methods by the headline protocols, who leads, and how sure that is."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ecgbench.base.inert import plain
from ecgbench.leaderboard.questions import QuestionResults, questions
from ecgbench.leaderboard.rows import Row
from ecgbench.leaderboard.tables import Table, answer
from ecgbench.plugins.catalogue import protocols, tasks
from ecgbench.results.schema import Result
from ecgbench.stats.components import Statement

NARROWEST = 60  # columns of a terminal
LINES = 32  # of all matrices together; further tasks are named
NAME = 30  # characters of a method's title
NAMED = 3  # rows of a verdict that are named
GAP = " "
LEGEND = "95 % intervals. * not separated from the leader. ° untrained encoder."
FEW = "¹ fewer than three seeds: not compared with the others."


@dataclass(frozen=True)
class Column:
    """A headline question of a task.

    Attributes:
        table: Its answer.
    """

    table: Table

    @property
    def heading(self) -> tuple[str, str, str]:
        """Protocol, variant, and the part of a question that has several."""
        protocol = self.table.question.first.protocol
        return protocol.name, protocol.variant, self.table.question.part

    @property
    def name(self) -> str:
        """The heading in one line."""
        protocol, variant, part = self.heading
        return f"{protocol} {variant}" + (f" ({part})" if part else "")

    def cell(self, key: str) -> str:
        """The figure of a row with its interval; empty where it has none."""
        row = self.table.row(key)
        found = row.summaries.get(self.table.lead.name) if row and self.table.lead else None
        if row is None or found is None:
            return ""
        span = found.procedure if row.procedure is not None else found.span
        value, low, high = (f"{number:.3f}".removeprefix("0") for number in (found.value, *span))
        shown = value if "nan" in (low, high) else f"{value} ({low}-{high})"
        return f"{shown}{self._mark(row)}"

    def _mark(self, row: Row) -> str:
        if row in self.leading:
            return "*"
        few = self.statement == "procedure" and row.procedure is None and row.weights is not None
        return "¹" if few else " "

    @property
    def statement(self) -> Statement:
        """What rows are compared as: procedures where there are at least two, else trained models."""
        return "procedure" if len(self.table.procedures) > 1 else "weights"

    @property
    def leading(self) -> list[Row]:
        """The first row and those that the tests do not separate from it, best first."""
        ranked = [
            row
            for row in self.table.rows
            if (row.procedure if self.statement == "procedure" else row.weights) is not None
        ]
        first, others = ranked[:1], ranked[1:]
        return first + [
            row for row in others if not self.table.tells_apart(first[0], row, self.statement)
        ]

    def verdict(self) -> str:
        """Who leads, who is not separated from the leader, and the best untrained encoder, in words."""
        leading, bar = self.leading, self.table.bar
        if not leading:
            return f"{self.name}: no rows to compare."
        first, *others = [title(row) for row in leading]
        if len(others) > NAMED + 1:
            others = [*others[:NAMED], f"{len(others) - NAMED} more"]
        of = "over seeds" if self.statement == "procedure" else "these weights"
        said = f"{self.name}: {first} leads"
        said += (
            f", not separated ({of}) from {', '.join(others)}."
            if others
            else f", separated from all others ({of})."
        )
        if bar is not None and bar in leading:
            said += f" {title(bar)} is untrained: pre-training shows no gain here."
        return said


def title(row: Row) -> str:
    """A row's title as a reader would say it: ``MERL, after sim-20k``."""
    run = row.first
    said = [plain(row.title)]
    if run.pretraining.datasets not in ((), (run.task.dataset,)):
        before = [str(name) for name in run.config.get("pretrain", {}).get("before", [])]
        others = [name for name in run.pretraining.datasets if name != run.task.dataset]
        trained = "after" if before and set(others) <= set(before) else "pre-trained on"
        said.append(f"{trained} {' + '.join(map(plain, others))}")
    for setting in filter(None, run.method.variant.split(",")):
        if not setting.startswith(("pretrain.before=", "pretrain.data=")):
            said.append(plain(setting))
    return ", ".join(said)


def headline(results: Sequence[Result], width: int) -> str:
    """The summary of some results: at most 40 lines, and no line longer than ``width``.

    Args:
        results: Of whatever questions.
        width: Columns; columns of a matrix that do not fit are left out and named.
    """
    width = max(width, NARROWEST)
    lines: list[str] = []
    unshown: list[str] = []
    for task, columns in _by_task(results).items():
        matrix = list(_task(task, columns, width))
        if lines and len(lines) + len(matrix) > LINES:
            unshown.append(task)
        else:
            lines += [*matrix, ""]
    if unshown:
        lines += _wrapped(f"More tasks: {', '.join(unshown)}.", width)
    return "\n".join([*lines, *_counts(results, width)])


def _by_task(results: Sequence[Result]) -> dict[str, list[Column]]:
    """The headline columns of each task, in the order of the task's protocols.

    Where no protocol names a headline, every question but a control is one.
    """
    asked = [question for question in questions(results) if question.chance is None]
    chosen = [question for question in asked if _place(question) is not None] or asked
    found: defaultdict[str, list[Column]] = defaultdict(list)
    for question in sorted(chosen, key=lambda one: (_place(one) or (0, 0), one.name)):
        found[question.first.task.name] += [
            Column(table) for table in answer(question) if table.lead is not None
        ]
    return {task: columns for task, columns in found.items() if columns}


def _place(question: QuestionResults) -> tuple[int, int] | None:
    """Position of a question among the headlines of its task; None if it is no headline."""
    first = question.first
    entry = protocols.entries().get(first.protocol.name)
    shown = entry.value.headline if entry and entry.value else ()
    if first.protocol.variant not in shown:
        return None
    task = tasks.entries().get(first.task.name)
    names = [name.partition("@")[0] for name in task.value.protocols] if task and task.value else []
    place = names.index(first.protocol.name) if first.protocol.name in names else len(names)
    return place, shown.index(first.protocol.variant)


def _task(task: str, columns: Sequence[Column], width: int) -> Iterator[str]:
    """Heading, matrix and verdicts of one task."""
    shown = _fitting(columns, width)
    first = columns[0].table.question.first
    kind = "SIMULATED ECGs" if first.task.simulated else "recorded ECGs"
    metrics = dict.fromkeys(column.table.lead.title for column in shown if column.table.lead)
    yield f"{task} ({kind}): {', '.join(metrics)}"
    rows, blocks = _rows(shown), [_block(column, _rows(shown)) for column in shown]
    labels = ["", "", "", *(_label(row) for _, row in rows)]
    left = max(map(len, labels))
    for place, label in enumerate(labels):
        line = (label.ljust(left) + "".join(GAP + block[place] for block in blocks)).rstrip()
        if line:
            yield line
    marked = any(cell.endswith("¹") for block in blocks for cell in block)
    yield from _wrapped(f"{LEGEND} {FEW}" if marked else LEGEND, width)
    for column in shown:
        yield from _wrapped(column.verdict(), width)
    gone = [column.name for column in columns[len(shown) :]]
    if gone:
        yield from _wrapped(f"A wider terminal shows {', '.join(gone)} too.", width)


def _fitting(columns: Sequence[Column], width: int) -> Sequence[Column]:
    """As many columns as fit, one at least."""
    for count in range(len(columns), 1, -1):
        rows = _rows(columns[:count])
        left = max((len(_label(row)) for _, row in rows), default=0)
        blocks = [_block(column, rows) for column in columns[:count]]
        if left + sum(len(GAP) + len(block[0]) for block in blocks) <= width:
            return columns[:count]
    return columns[:1]


def _block(column: Column, rows: Sequence[tuple[str, Row]]) -> list[str]:
    """The lines of a column, of equal length: three of its heading, then a figure for each row."""
    cells = [*(f"{part} " for part in column.heading), *(column.cell(key) for key, _ in rows)]
    wide = max(map(len, cells))
    return [cell.rjust(wide) for cell in cells]


def _label(row: Row) -> str:
    name = title(row)
    short = name if len(name) <= NAME else f"{name[: NAME - 1]}…"
    return f"{short} °" if row.untrained else short


def _rows(columns: Sequence[Column]) -> list[tuple[str, Row]]:
    """The rows that have a figure, in the order of the first column that has them."""
    found: dict[str, Row] = {}
    for column in columns:
        for row in column.table.rows:
            if column.cell(row.key) and not any(key in found for key in row.keys):
                found[row.key] = row
    return list(found.items())


def _counts(results: Sequence[Result], width: int) -> list[str]:
    """How many cells ended how; the first failure with its reason, and each other reason once."""
    counts = Counter(result.status for result in results)
    said = f"{counts['ok']} cells done, {counts['not-applicable']} not applicable, {counts['failed']} failed."
    lines = _wrapped(said, width)
    failed = next((result for result in results if result.status == "failed"), None)
    if failed is not None:
        lines += _wrapped(
            f"First failure: {plain(failed.key)}: {plain(failed.reason or '')}", width
        )
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ")
