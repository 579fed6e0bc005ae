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
from ecgbench.leaderboard.rows import Row, Standing
from ecgbench.leaderboard.summaries import FREQUENT, Summary, frequent_macro
from ecgbench.leaderboard.tables import Table
from ecgbench.results.schema import Result

Columns = list[tuple[str, bool, Callable[[Row], str]]]


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
    return f"{question_title(table)} ({kind}, track {first.protocol.track})"


def question_title(table: Table) -> str:
    """The question's name, and the part where it has several."""
    part = table.question.part
    return f"{table.question.name}, {part}" if part else table.question.name


def full_sheet(table: Table) -> Sheet:
    """Everything of a question, for CSV: one line a row."""
    run = table.question.first
    fixed: Columns = [
        ("task", False, lambda row: run.task.name),
        ("protocol", False, lambda row: run.protocol.name),
        ("variant", False, lambda row: run.protocol.variant),
        ("track", False, lambda row: run.protocol.track),
        ("simulated", False, lambda row: str(run.task.simulated).lower()),
        *_standing_columns("", lambda row: row.procedure),
        *_standing_columns("weights_", lambda row: row.weights),
        ("against_untrained", False, lambda row: row.against_bar),
        ("method", False, lambda row: row.first.method.name),
        ("also", False, lambda row: " ".join(key for key, _ in row.twins)),
        ("method_variant", False, lambda row: row.first.method.variant),
        ("pretraining_data", False, lambda row: "+".join(row.first.pretraining.datasets) or "none"),
        ("status", False, lambda row: row.status),
    ]
    if table.question.part:
        fixed.insert(3, ("part", False, lambda row: table.question.part))
    figures = [column for metric in table.metrics for column in _metric_columns(metric)]
    if _has_classes(table):
        figures += [
            (f"auroc_{FREQUENT}_positives", True, lambda row: number(frequent_macro(row.good)[0])),
            (f"classes_{FREQUENT}_positives", True, _frequent_classes),
        ]
    if table.question.chance is not None:
        chance = f"{table.question.chance:g}"
        figures += [
            ("chance", True, lambda row: chance),
            ("holds_chance", False, lambda row: _yes_or_no(holds_chance(table, row))),
        ]
    rest: Columns = [
        ("scored_classes", True, lambda row: _scores(row, lambda s: s.scored_classes)),
        ("classes", True, lambda row: _scores(row, lambda s: len(s.classes))),
        ("seeds", True, lambda row: str(len({run.seed for run in row.good}))),
        ("draws", True, lambda row: str(len({run.draw for run in row.good}))),
        ("runs", True, lambda row: str(len(row.good))),
        ("runs_expected", True, lambda row: str(row.expected)),
        ("training_records", False, training_records),
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


def short_sheet(table: Table) -> Sheet:
    """What a reader looks at first: for a page or a paper."""
    return _sheet_of(
        table,
        [
            *_names(table),
            *_figures(table, [(m.title, False, _reader(m.name)) for m in table.metrics]),
            ("Classes", False, _classes),
            ("Training records", False, training_records),
            ("Runs", False, _runs),
            (
                "Parameters",
                True,
                lambda row: f"{row.first.method.parameters:,}" if row.good else "",
            ),
            ("Minutes", True, _minutes),
            *verdicts(table),
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
            *verdicts(table),
            ("Status", False, lambda row: row.status),
        ],
    )


def _names(table: Table) -> Columns:
    ranked: Columns = [("Rank", False, lambda row: rank_text(row.procedure))]
    return [
        *(ranked if table.procedures else []),
        ("Method", False, lambda row: row.title),
        ("Variant", False, lambda row: row.first.method.variant),
        ("Pre-trained on", False, lambda row: pretrained_on(row.first)),
    ]


def _figures(table: Table, columns: Columns) -> Columns:
    """The metrics, and after the leading one its interval as a procedure and its second macro mean."""
    lead = table.lead.name if table.lead else ""
    more: Columns = []
    if table.procedures:
        more.append(("Procedure, 95 %", False, lambda row: procedure_text(row, lead)))
    if lead == "auroc" and _has_classes(table):
        heading = f"AUROC, {FREQUENT}+ positives"
        more.append((heading, True, lambda row: number(frequent_macro(row.good)[0], 3)))
    place = next((i for i, metric in enumerate(table.metrics) if metric.name == lead), -1) + 1
    return [*columns[:place], *more, *columns[place:]]


def verdicts(table: Table) -> Columns:
    """What the tests say of a row; of a control whether it came out at chance."""
    if table.question.chance is not None:
        heading = f"Holds {table.question.chance:g}"
        return [(heading, False, lambda row: _yes_or_no(holds_chance(table, row)))]
    of_procedure: Columns = [("Letters", False, lambda row: letters_text(row.procedure))]
    of_weights: Columns = [
        ("Rank of weights", False, lambda row: rank_text(row.weights)),
        ("Letters of weights", False, lambda row: letters_text(row.weights)),
    ]
    bar: Columns = [("Untrained", False, lambda row: row.against_bar)]
    return [
        *(of_procedure if table.procedures else []),
        *of_weights,
        *(bar if table.bar is not None else []),
    ]


def rank_text(standing: Standing | None) -> str:
    """A rank with its interval."""
    if standing is None:
        return ""
    low, high = standing.low, standing.high
    alone = low == high == standing.rank
    return f"{standing.rank}" if alone else f"{standing.rank} ({low}-{high})"


def letters_text(standing: Standing | None) -> str:
    """The letters; empty for a row that is not compared."""
    return standing.letters if standing else ""


def procedure_text(row: Row, metric: str) -> str:
    """The interval of the procedure; for a row with fewer than three seeds the reason for none."""
    summary = row.summaries.get(metric)
    if summary is None or row.weights is None:
        return ""
    if not math.isfinite(summary.procedure.low):
        return "too few seeds"
    return f"{number(summary.procedure.low, 3)} to {number(summary.procedure.high, 3)}"


def training_records(row: Row) -> str:
    """How many records a row was trained on: of draws that differ, the least and the most."""
    counts = sorted({run.data.n_train for run in row.good if run.data is not None})
    return "-".join(map(str, dict.fromkeys((counts[0], counts[-1])))) if counts else ""


def _has_classes(table: Table) -> bool:
    return any(run.scores and run.scores.classes for row in table.rows for run in row.good)


def _frequent_classes(row: Row) -> str:
    return str(frequent_macro(row.good)[1] or "")


def _standing_columns(prefix: str, read: Callable[[Row], Standing | None]) -> Columns:
    def cell(part: Callable[[Standing], object]) -> Callable[[Row], str]:
        return lambda row: str(part(found)) if (found := read(row)) else ""

    return [
        (f"{prefix}rank", True, cell(lambda one: one.rank)),
        (f"{prefix}rank_low", True, cell(lambda one: one.low)),
        (f"{prefix}rank_high", True, cell(lambda one: one.high)),
        (f"{prefix}letters", False, cell(lambda one: one.letters)),
        (f"{prefix}equivalent", False, cell(lambda one: " ".join(one.equivalent))),
    ]


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

    spans = [
        column("_low", lambda summary: summary.span.low),
        column("_high", lambda summary: summary.span.high),
        column("_procedure_low", lambda summary: summary.procedure.low),
        column("_procedure_high", lambda summary: summary.procedure.high),
    ]
    return [
        column("", lambda summary: summary.value),
        *(spans if metric.covers else []),
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
