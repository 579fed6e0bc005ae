"""What the page shows, put together from tables; the templates only lay it out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from ecgbench.base.inert import plain
from ecgbench.leaderboard.cells import number, pretrained_on, procedure_text, rank_text
from ecgbench.leaderboard.drops import clean_table, compared_rows, drops_of
from ecgbench.leaderboard.notes import notes_of
from ecgbench.leaderboard.overall import (
    Line,
    MeanRank,
    TableGroup,
    blocks,
    compared,
    lines,
    ranks_over_tasks,
)
from ecgbench.leaderboard.page import svg
from ecgbench.leaderboard.rows import Row
from ecgbench.leaderboard.sheets import verdicts
from ecgbench.leaderboard.tables import Table, share_of

Thousandths = list[int | None]
"""A class's AUROC, its limits, AUPRC and F1 in thousandths, as the page's script shows them."""


@dataclass(frozen=True)
class RowView:
    """A row of a question's table."""

    identifier: str
    method: str
    variant: str
    pretraining: str
    family: str
    status: str
    rank: str
    rank_order: int
    procedure: str
    verdicts: list[str]
    figures: list[tuple[str, str, float]]  # text, its interval, what it is sorted by
    bar: Markup
    classes_scored: str
    runs: str
    parameters: int
    minutes: float | None
    notes: list[str]
    classes: list[Thousandths]


@dataclass(frozen=True)
class TableView:
    """One question; a control's rows have a verdict and no rank, rows of few seeds no procedure."""

    identifier: str
    title: str
    ranked: bool
    verdicts: list[str]
    metrics: list[str]
    classes: list[tuple[str, int]]  # name, positives
    rows: list[RowView]
    notes: list[str]


@dataclass(frozen=True)
class SectionView:
    """A task with one protocol (of one with several parts, one part): its variants and its pictures."""

    identifier: str
    task: str
    protocol: str
    part: str
    dataset: str
    simulated: bool
    track: str
    tables: list[TableView]
    charts: list[tuple[str, Markup]] = field(default_factory=list)
    heat: HeatMap | None = None


@dataclass(frozen=True)
class HeatMap:
    """Rows against variants; each cell a text and a step of its colour, 0 to 9."""

    caption: str
    columns: list[str]
    rows: list[tuple[str, list[tuple[str, int]]]]


@dataclass(frozen=True)
class OverallView:
    """One data set, protocol and variant over its label sets."""

    title: str
    simulated: bool
    sets: list[str]
    rows: list[tuple[str, str, str, str, list[str]]]  # row, mean, mean ranks by statement, cells
    diagram: Markup


def sections(tables: Sequence[Table]) -> list[SectionView]:
    """The page's sections, by task, protocol and part."""
    grouped: defaultdict[tuple[str, str, str], list[Table]] = defaultdict(list)
    for table in tables:
        run = table.question.first
        grouped[run.task.name, run.protocol.name, table.question.part].append(table)
    return [
        _section(number_, sorted(members, key=share_of))
        for number_, (_, members) in enumerate(sorted(grouped.items()))
    ]


def overall(tables: Sequence[Table]) -> list[OverallView]:
    """The overall tables, where a protocol is put on more than one label set."""
    return [_overall(block) for block in blocks(tables) if len(block.tables) > 1]


def _section(place: int, tables: list[Table]) -> SectionView:
    run = tables[0].question.first
    views = [_table(f"t{place}-{i}", table) for i, table in enumerate(tables)]
    charts, heat = [], None
    ranked = [table for table in tables if table.question.chance is None]
    if len(ranked) > 1 and all(math.isfinite(share_of(table)[0]) for table in ranked):
        charts.append(("Label efficiency", _efficiency(ranked)))
    elif len(ranked) > 1:
        heat = _heat(ranked)
    costs = _costs(ranked[-1]) if ranked else None
    if costs is not None:
        charts.append(("Cost against quality", costs))
    return SectionView(
        f"s{place}",
        plain(run.task.name),
        plain(run.protocol.name),
        plain(tables[0].question.part),
        plain(run.task.dataset),
        run.task.simulated,
        plain(run.protocol.track),
        views,
        charts,
        heat,
    )


def _table(identifier: str, table: Table) -> TableView:
    lead = table.lead.name if table.lead else ""
    summaries = [row.summaries[lead] for row in table.rows if lead in row.summaries]
    values = [v for s in summaries for v in (s.value, *s.span)]
    axis = svg.axis_for(values, 4, 116)
    classes = _classes(table)
    rows = [
        _row(f"{identifier}-{i}", table, row, axis, classes) for i, row in enumerate(table.rows)
    ]
    return TableView(
        identifier,
        plain(table.question.first.protocol.variant),
        bool(table.procedures),
        [heading for heading, _, _ in verdicts(table)],
        [metric.title for metric in table.metrics],
        [(plain(name), positives) for name, positives in classes],
        rows,
        [plain(note) for note in notes_of(table)],
    )


def _row(
    identifier: str, table: Table, row: Row, axis: svg.Axis, classes: Sequence[tuple[str, int]]
) -> RowView:
    run = row.first
    lead = row.summaries.get(table.lead.name) if table.lead else None
    seconds = [math.fsum(r.costs.seconds.values()) for r in row.good]
    scores = run.scores
    return RowView(
        identifier=identifier,
        method=plain(row.title),
        variant=plain(run.method.variant),
        pretraining=plain(pretrained_on(run)),
        family=plain(run.method.family),
        status=row.status,
        rank=rank_text(row.procedure),
        rank_order=row.procedure.rank if row.procedure else 10**6,
        procedure=procedure_text(row, table.lead.name if table.lead else ""),
        verdicts=[read(row) for _, _, read in verdicts(table)],
        figures=[_figure(row, metric.name) for metric in table.metrics],
        bar=svg.interval_bar(lead.value, *lead.span, axis) if lead else Markup(),
        classes_scored=f"{scores.scored_classes} of {len(scores.classes)}"
        if scores and scores.classes
        else "",
        runs=f"{len(row.good)} of {row.expected}",
        parameters=run.method.parameters,
        minutes=math.fsum(seconds) / len(seconds) / 60 if seconds else None,
        notes=[plain(note) for note in row.notes],
        classes=_by_class(row, classes),
    )


def _figure(row: Row, metric: str) -> tuple[str, str, float]:
    summary = row.summaries.get(metric)
    if summary is None:
        return "", "", -1.0
    low, high = number(summary.span.low, 3), number(summary.span.high, 3)
    return number(summary.value, 3), f"{low} to {high}" if low else "", summary.value


def _classes(table: Table) -> list[tuple[str, int]]:
    """The classes of a question with their positives: said once, for all its rows."""
    found = (run.scores.classes for row in table.rows for run in row.good if run.scores)
    return [(entry.name, entry.positives) for entry in next(found, ())]


def _by_class(row: Row, classes: Sequence[tuple[str, int]]) -> list[Thousandths]:
    runs = [run.scores.classes for run in row.good if run.scores and run.scores.classes]
    if row.status == "mixed" or not runs:
        return []
    if any([(entry.name, entry.positives) for entry in run] != list(classes) for run in runs):
        return []
    found = []
    for k in range(len(classes)):
        figures = {n: [getattr(c[k], n) for c in runs] for n in ("auroc", "auprc", "f1")}
        auroc, auprc, f1 = (_mean([f.value for f in many]) for many in figures.values())
        low = _mean([f.low for f in figures["auroc"]])
        high = _mean([f.high for f in figures["auroc"]])
        found.append([_thousandths(value) for value in (auroc, low, high, auprc, f1)])
    return found


def _thousandths(value: float) -> int | None:
    return round(1000 * float(number(value, 3))) if math.isfinite(value) else None


def _efficiency(tables: Sequence[Table]) -> Markup:
    series: defaultdict[str, list[svg.Point]] = defaultdict(list)
    title = ""
    for table in tables:
        for row in table.rows:
            summary = row.summaries.get(table.lead.name) if table.lead and row.weights else None
            if summary is not None and table.lead is not None:
                title = table.lead.title
                point = svg.Point(share_of(table)[0], summary.value, *summary.span)
                series[row.key].append(point)
    named = [svg.Series(name, points) for name, points in sorted(series.items())]
    return svg.lines(named, f"{title} by share of the labels", "labelled training records", title)


def _costs(table: Table) -> Markup | None:
    series = []
    for row in table.rows:
        summary = row.summaries.get(table.lead.name) if table.lead and row.weights else None
        seconds = [math.fsum(run.costs.seconds.values()) for run in row.good]
        if summary is not None and seconds and math.fsum(seconds) > 0:
            minutes = math.fsum(seconds) / len(seconds) / 60
            series.append(svg.Series(row.key, [svg.Point(minutes, summary.value, *summary.span)]))
    if len(series) < 2 or table.lead is None:
        return None
    ordered = sorted(series, key=lambda one: one.name)
    return svg.scatter(ordered, f"{table.lead.title} against minutes", "minutes", table.lead.title)


def _heat(tables: Sequence[Table]) -> HeatMap:
    """Rows against variants, ``clean`` first; where there is one, colours are of the drop from it."""
    clean = clean_table(tables)
    tables = sorted(tables, key=lambda table: table is not clean)
    columns = [plain(table.question.first.protocol.variant) for table in tables]
    keys = sorted({row.key for table in tables for row in table.rows if row.weights})
    values: dict[tuple[str, int], float] = {}
    for j, table in enumerate(tables):
        for key in keys:
            row = table.row(key)
            if row is not None and row.weights and table.lead:
                values[key, j] = row.summaries[table.lead.name].value
    losses: dict[tuple[str, int], float] = {}
    for key, row in compared_rows(clean, tables) if clean is not None else []:
        falls = drops_of(key, row, clean, tables) if clean is not None else []
        losses |= {(key, j): -fall.loss for j, fall in enumerate(falls, 1)}
        losses[key, 0] = 0.0
    against_clean = clean is not None

    def shade(key: str, j: int) -> float:
        """What a cell is coloured by; NaN for a row without a clean figure."""
        return (losses if against_clean else values).get((key, j), math.nan)

    shades = [s for key in keys for j in range(len(tables)) if math.isfinite(s := shade(key, j))]
    low, high = min(shades, default=0.0), max(shades, default=1.0)

    def cell(key: str, j: int) -> tuple[str, int]:
        value, here = values.get((key, j), math.nan), shade(key, j)
        if not math.isfinite(value):
            return "missing", -1
        loss = f" ({here:+.3f})" if against_clean and j and math.isfinite(here) else ""
        step = min(9, int(10 * (here - low) / ((high - low) or 1.0))) if math.isfinite(here) else -1
        return number(value, 3) + loss, step

    caption = "By variant, coloured by the loss from clean" if against_clean else "By variant"
    rows = [(plain(key), [cell(key, j) for j in range(len(tables))]) for key in keys]
    return HeatMap(caption, columns, rows)


def _overall(block: TableGroup) -> OverallView:
    answered = lines(block)
    sets = [table.question.first.task.name for table in block.tables]
    ranked = compared(answered)
    title = f"{plain(block.dataset)}, {plain(block.name)}, track {plain(block.track)}"
    diagram = Markup()
    over_tasks = ranks_over_tasks(block)
    if over_tasks is not None:
        diagram = svg.critical_difference(ranked, over_tasks.difference, f"Mean ranks: {title}")
    return OverallView(
        title,
        block.simulated,
        [plain(name) for name in sets],
        [
            (
                plain(x.row),
                number(x.mean, 3),
                _ranks(x.procedure),
                _ranks(x.weights),
                _cells(x, sets),
            )
            for x in answered
        ],
        diagram,
    )


def _ranks(rank: MeanRank) -> str:
    if not math.isfinite(rank.value):
        return ""
    return f"{number(rank.value, 2)} ({number(rank.low, 2)} to {number(rank.high, 2)})"


def _cells(line: Line, sets: Sequence[str]) -> list[str]:
    return [number(line.cells[name][0], 3) or plain(line.cells[name][1]) for name in sets]


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else math.nan
