"""A sheet: a table of strings that every format can print, and the sheets that a question's table makes.

Numbers are formatted here, once, so that every format shows the same digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ecgbench.evaluation.metric_table import Metric
from ecgbench.leaderboard.controls import holds_chance
from ecgbench.leaderboard.notes import notes_of
from ecgbench.leaderboard.rows import Row, Summary, Table
from ecgbench.results.schema import Result


@dataclass(frozen=True)
class Sheet:
    """A table of strings.

    Attributes:
        title: What it is of.
        columns: Headings.
        rows: Cells, as many as columns; text is as others wrote it, each format makes it inert.
        numeric: Columns that hold numbers (or nothing).
        notes: Sentences below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[str] = frozenset()
    notes: tuple[str, ...] = field(default=())


def number(value: float | None, digits: int = 4) -> str:
    """Fixed digits; empty for what is undefined."""
    if value is None or not math.isfinite(value):
        return ""
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text


def pretrained_on(run: Result) -> str:
    """What a row was pre-trained on, simulated data named as such."""
    named = " + ".join(run.pretraining.datasets) or "none"
    return f"{named} (simulated)" if run.pretraining.simulated else named


def title_of(table: Table) -> str:
    """What a table is of; simulated data is named as such."""
    first = table.question.first
    kind = "SIMULATED data" if first.task.simulated else "real data"
    return f"{table.question.name} ({kind}, track {first.protocol.track})"


def full_sheet(table: Table) -> Sheet:
    """Everything of a question, for CSV: one line a row."""
    run = table.question.first
    fixed: list[tuple[str, bool, Callable[[Row], str]]] = [
        ("task", False, lambda row: run.task.name),
        ("protocol", False, lambda row: run.protocol.name),
        ("variant", False, lambda row: run.protocol.variant),
        ("track", False, lambda row: run.protocol.track),
        ("simulated", False, lambda row: str(run.task.simulated).lower()),
        ("rank", True, lambda row: str(row.rank or "")),
        ("rank_low", True, lambda row: str(row.rank_span[0]) if row.rank_span else ""),
        ("rank_high", True, lambda row: str(row.rank_span[1]) if row.rank_span else ""),
        ("bracket", False, lambda row: row.bracket),
        ("method", False, lambda row: row.first.method.name),
        ("method_variant", False, lambda row: row.first.method.variant),
        ("pretraining_data", False, lambda row: "+".join(row.first.pretraining.datasets) or "none"),
        ("status", False, lambda row: row.status),
    ]
    figures = [column for metric in table.metrics for column in _metric_columns(metric)]
    if table.question.chance is not None:
        chance = f"{table.question.chance:g}"
        figures += [
            ("chance", True, lambda row: chance),
            ("holds_chance", False, lambda row: _yes_or_no(holds_chance(table, row))),
        ]
    rest: list[tuple[str, bool, Callable[[Row], str]]] = [
        ("scored_classes", True, lambda row: _scores(row, lambda s: s.scored_classes)),
        ("classes", True, lambda row: _scores(row, lambda s: len(s.classes))),
        ("seeds", True, lambda row: str(len({run.seed for run in row.good}))),
        ("draws", True, lambda row: str(len({run.draw for run in row.good}))),
        ("runs", True, lambda row: str(len(row.good))),
        ("runs_expected", True, lambda row: str(row.expected)),
        ("parameters", True, lambda row: str(row.first.method.parameters) if row.good else ""),
        ("pretraining_records", True, lambda row: _of(row, lambda r: r.pretraining.records)),
        ("pretraining_reports", True, lambda row: _of(row, lambda r: r.pretraining.reports)),
        ("pretraining_simulated", False, lambda r: str(r.first.pretraining.simulated).lower()),
        ("seconds_pretrain", True, lambda row: _seconds(row, ("pretrain",))),
        ("seconds_evaluate", True, lambda row: _seconds(row, ("encode", "evaluate"))),
        ("device", False, lambda row: ", ".join(sorted({r.costs.device for r in row.good}))),
        ("profile", False, lambda row: ", ".join(sorted({r.profile for r in row.runs}))),
        ("notes", False, lambda row: "; ".join(row.notes)),
    ]
    columns = fixed + figures + rest
    return Sheet(
        title_of(table),
        tuple(name for name, _, _ in columns),
        tuple(tuple(read(row) for _, _, read in columns) for row in table.rows),
        frozenset(name for name, numeric, _ in columns if numeric),
        notes_of(table),
    )


Columns = list[tuple[str, bool, Callable[[Row], str]]]


def short_sheet(table: Table) -> Sheet:
    """What a reader looks at first: for a page or a paper."""
    return _sheet_of(
        table,
        [
            *_names(table),
            *[(m.title, False, _reader(m.name)) for m in table.metrics],
            ("Classes", False, _classes),
            ("Runs", False, _runs),
            (
                "Parameters",
                True,
                lambda row: f"{row.first.method.parameters:,}" if row.good else "",
            ),
            ("Minutes", True, _minutes),
            verdict(table),
            ("Status", False, lambda row: row.status),
        ],
    )


def brief_sheet(table: Table) -> Sheet:
    """What fits a terminal: the leading figure in full, the others' values."""
    lead = [table.lead] if table.lead else []
    others = [metric for metric in table.metrics if metric not in lead]
    return _sheet_of(
        table,
        [
            *_names(table),
            *[(m.title, False, _reader(m.name)) for m in lead],
            *[(m.title, True, _value(m.name)) for m in others],
            ("Classes", False, _classes),
            ("Runs", False, _runs),
            verdict(table),
            ("Status", False, lambda row: row.status),
        ],
    )


def _names(table: Table) -> Columns:
    ranked: Columns = [("Rank", False, _rank)] if table.question.chance is None else []
    return [
        *ranked,
        ("Method", False, lambda row: row.first.method.title),
        ("Variant", False, lambda row: row.first.method.variant),
        ("Pre-trained on", False, lambda row: pretrained_on(row.first)),
    ]


def verdict(table: Table) -> tuple[str, bool, Callable[[Row], str]]:
    """Of a question whom a row equals, of a control whether it came out at chance."""
    if table.question.chance is None:
        return "Same as", False, lambda row: row.bracket
    heading = f"Holds {table.question.chance:g}"
    return heading, False, lambda row: _yes_or_no(holds_chance(table, row))


def _yes_or_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "NO"


def _sheet_of(table: Table, columns: Columns) -> Sheet:
    """Read every row; variants have a column only where there is one."""
    if not any(row.first.method.variant for row in table.rows):
        columns = [column for column in columns if column[0] != "Variant"]
    return Sheet(
        title_of(table),
        tuple(name for name, _, _ in columns),
        tuple(tuple(read(row) for _, _, read in columns) for row in table.rows),
        frozenset(name for name, numeric, _ in columns if numeric),
        notes_of(table),
    )


def class_sheet(table: Table) -> Sheet:
    """Each row's figures by class, with the class's support."""
    lines = []
    for row in table.rows:
        runs = [run.scores for run in row.good if run.scores and run.scores.classes]
        if not runs or row.status == "mixed":
            continue
        for k, entry in enumerate(runs[0].classes):
            values = [
                _mean([getattr(scores.classes[k], name).value for scores in runs])
                for name in ("auroc", "auprc", "f1")
            ]
            support = str(entry.positives), str(entry.negatives)
            lines.append(
                (row.first.protocol.variant, row.key, entry.name, *support, *map(number, values))
            )
    figures = ("positives", "negatives", "auroc", "auprc", "f1")
    return Sheet(
        title_of(table),
        ("variant", "row", "class", *figures),
        tuple(lines),
        frozenset(figures),
    )


def _metric_columns(metric: Metric) -> list[tuple[str, bool, Callable[[Row], str]]]:
    def column(
        suffix: str, read: Callable[[Summary], float]
    ) -> tuple[str, bool, Callable[[Row], str]]:
        def cell(row: Row) -> str:
            summary = row.summaries.get(metric.name)
            return number(read(summary)) if summary else ""

        return metric.name + suffix, True, cell

    return [
        column("", lambda summary: summary.value),
        column("_low", lambda summary: summary.span.low),
        column("_high", lambda summary: summary.span.high),
        column("_sd_seeds", lambda summary: summary.sd_seeds),
        column("_sd_draws", lambda summary: summary.sd_draws),
    ]


def _reader(metric: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        summary = row.summaries.get(metric)
        if summary is None:
            return ""
        text = number(summary.value, 3)
        if math.isfinite(summary.span.low):
            text += f" ({number(summary.span.low, 3)} to {number(summary.span.high, 3)})"
        spread = max(
            (s for s in (summary.sd_seeds, summary.sd_draws) if math.isfinite(s)), default=None
        )
        return text if spread is None else f"{text} ± {number(spread, 3)}"

    return cell


def _value(metric: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        summary = row.summaries.get(metric)
        return number(summary.value, 3) if summary else ""

    return cell


def _rank(row: Row) -> str:
    if row.rank is None or row.rank_span is None:
        return ""
    low, high = row.rank_span
    return f"{row.rank}" if low == high == row.rank else f"{row.rank} ({low}-{high})"


def _classes(row: Row) -> str:
    scores = row.good[0].scores if row.good else None
    return f"{scores.scored_classes} of {len(scores.classes)}" if scores and scores.classes else ""


def _runs(row: Row) -> str:
    seeds, draws = len({r.seed for r in row.good}), len({r.draw for r in row.good})
    whole = f"{seeds} x {draws}"
    return whole if len(row.good) == row.expected else f"{len(row.good)} of {row.expected}"


def _minutes(row: Row) -> str:
    seconds = [sum(run.costs.seconds.values()) for run in row.good]
    return number(math.fsum(seconds) / len(seconds) / 60, 1) if seconds else ""


def _seconds(row: Row, stages: Sequence[str]) -> str:
    sums = [math.fsum(run.costs.seconds.get(stage, 0.0) for stage in stages) for run in row.good]
    return number(math.fsum(sums) / len(sums), 1) if sums else ""


def _scores(row: Row, read: Callable[..., int]) -> str:
    scores = row.good[0].scores if row.good else None
    return str(read(scores)) if scores and scores.classes else ""


def _of(row: Row, read: Callable[[Result], int]) -> str:
    return str(read(row.first)) if row.good else ""


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None
