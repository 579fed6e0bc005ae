"""A sheet: a table of strings that every format can print, and the sheets that a question's table makes.

The text of each cell is made in :mod:`ecgbench.leaderboard.cells`, once for all formats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ecgbench.evaluation.metric_table import Metric
from ecgbench.leaderboard.cells import (
    figure_text,
    frequent_classes,
    letters_text,
    mean_or_none,
    minutes,
    number,
    of_run,
    of_scores,
    pretrained_on,
    procedure_text,
    rank_text,
    runs_text,
    scored_classes,
    seconds,
    training_records,
    value_text,
    yes_or_no,
)
from ecgbench.leaderboard.controls import holds_chance
from ecgbench.leaderboard.notes import notes_of
from ecgbench.leaderboard.rows import Row, Standing
from ecgbench.leaderboard.summaries import FREQUENT, Summary, frequent_macro
from ecgbench.leaderboard.tables import Table

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
            (f"classes_{FREQUENT}_positives", True, frequent_classes),
        ]
    if table.question.chance is not None:
        chance = f"{table.question.chance:g}"
        figures += [
            ("chance", True, lambda row: chance),
            ("holds_chance", False, lambda row: yes_or_no(holds_chance(table, row))),
        ]
    rest: Columns = [
        ("scored_classes", True, lambda row: of_scores(row, lambda s: s.scored_classes)),
        ("classes", True, lambda row: of_scores(row, lambda s: len(s.classes))),
        ("seeds", True, lambda row: str(len({run.seed for run in row.good}))),
        ("draws", True, lambda row: str(len({run.draw for run in row.good}))),
        ("runs", True, lambda row: str(len(row.good))),
        ("runs_expected", True, lambda row: str(row.expected)),
        ("training_records", False, training_records),
        ("parameters", True, lambda row: str(row.first.method.parameters) if row.good else ""),
        ("pretraining_records", True, lambda row: of_run(row, lambda r: r.pretraining.records)),
        ("pretraining_reports", True, lambda row: of_run(row, lambda r: r.pretraining.reports)),
        ("pretraining_simulated", False, lambda r: str(r.first.pretraining.simulated).lower()),
        ("seconds_pretrain", True, lambda row: seconds(row, ("pretrain",))),
        ("seconds_evaluate", True, lambda row: seconds(row, ("encode", "evaluate"))),
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
            *_figures(table, [(m.title, False, figure_text(m.name)) for m in table.metrics]),
            ("Classes", False, scored_classes),
            ("Training records", False, training_records),
            ("Runs", False, runs_text),
            (
                "Parameters",
                True,
                lambda row: f"{row.first.method.parameters:,}" if row.good else "",
            ),
            ("Minutes", True, minutes),
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
            *[(m.title, False, figure_text(m.name)) for m in lead],
            *[(m.title, True, value_text(m.name)) for m in others],
            ("Classes", False, scored_classes),
            ("Runs", False, runs_text),
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
        return [(heading, False, lambda row: yes_or_no(holds_chance(table, row)))]
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


def _has_classes(table: Table) -> bool:
    return any(run.scores and run.scores.classes for row in table.rows for run in row.good)


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
                mean_or_none([getattr(scores.classes[k], name).value for scores in runs])
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
