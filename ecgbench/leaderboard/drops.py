"""How far a figure falls from the clean cell: for protocols with a variant named ``clean``.

A drop compares the same classes: those that both cells score. Where a variant is scored on the same
records as the clean one (corruption, lead loss) the two are paired record by record. Where it is scored
on a group of them, they are paired patient by patient, if both records hold figures by class on shared
resamples (:class:`ecgbench.stats.resample.SharedDesign`). Of other patients (transfer) the drop has no
interval. Runs are paired, too: one trained model predicts both cells. Variants that are levels of one
kind (``gain-1``, ``gain-2``, ...) have a line with their mean.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ecgbench.leaderboard.cells import number
from ecgbench.leaderboard.rows import COMPARED, Row
from ecgbench.leaderboard.sheets import Sheet
from ecgbench.leaderboard.summaries import mean
from ecgbench.leaderboard.tables import Table
from ecgbench.results.parts import CLEAN
from ecgbench.results.replicates import unpack
from ecgbench.results.schema import Result
from ecgbench.stats.bootstrap import Bootstrap, evidence_of_drop
from ecgbench.stats.components import interval_of_drop
from ecgbench.stats.evidence import Evidence, Runs
from ecgbench.stats.intervals import NOTHING

MIN_CLASSES, MIN_PATIENTS = 5, 20
"""Less than this in a group decides nothing: such a variant is never the worst."""

UNDEFINED = "undefined"
NO_FIGURE = (UNDEFINED, "not-applicable")  # nothing that another run could bring


@dataclass(frozen=True)
class Drop:
    """A row's figure under a variant against its clean one, or the mean over the levels of a kind.

    Attributes:
        name: The variant, or the kind with ``(mean)``.
        value: The figure over the classes that both cells score; NaN where there is none.
        clean: The clean figure over the same classes.
        loss: Clean minus value, or the reverse where a small figure is a good one.
        classes: How many classes; 0 for figures of records.
        runs: The loss run by run with its replicates; None where it has no interval.
        reason: Why there is no figure, else empty.
        few: Why the variant decides nothing, else empty.
    """

    name: str
    value: float = math.nan
    clean: float = math.nan
    loss: float = math.nan
    classes: int = 0
    runs: Runs | None = None
    reason: str = ""
    few: str = ""


def drop_sheet(tables: Sequence[Table]) -> Sheet | None:
    """Each row's drop by variant, and its worst variant; None where no variant is the clean one.

    Args:
        tables: All variants of a task and protocol.
    """
    clean = clean_table(tables)
    if clean is None or clean.lead is None or len(tables) < 2:
        return None
    lines = []
    for key, row in compared_rows(clean, tables):
        falls = drops_of(key, row, clean, tables)
        lines += [*_lines(key, falls), *_lines(key, _means(falls))]
    figures = ("figure", "clean", "drop", "drop_low", "drop_high")
    more = ("drop_procedure_low", "drop_procedure_high", "classes")
    return Sheet(
        f"Drop in {clean.lead.title} from clean: {clean.question.first.task.name}",
        ("row", "variant", *figures, *more, "worst"),
        tuple(lines),
        frozenset((*figures, *more)),
        (
            "A positive drop is a loss. Both figures are means over the classes that both cells score.",
            "drop_low and drop_high are of these weights, over test patients; drop_procedure_low and "
            "drop_procedure_high of the procedure, over patients and seeds (three or more). Without "
            "figures by class on shared resamples a drop on other records has no interval.",
            "`worst` is the largest drop among the variants of a row, and among its means; a variant "
            f"with fewer than {MIN_CLASSES} classes or {MIN_PATIENTS} patients is never the worst.",
        ),
    )


def clean_table(tables: Sequence[Table]) -> Table | None:
    """The table that drops are counted from."""
    return next((table for table in tables if _variant(table) == CLEAN), None)


def compared_rows(clean: Table, tables: Sequence[Table]) -> list[tuple[str, Row]]:
    """The rows that drop from the clean table, by key; a twin only where another table parts the two."""
    return [
        (key, row)
        for row in clean.rows
        for key in row.keys
        if row.weights is not None
        and (key == row.key or any(t.row(key) is not t.row(row.key) for t in tables))
    ]


def drops_of(key: str, row: Row, clean: Table, tables: Sequence[Table]) -> list[Drop]:
    """The drops of a row of the clean table, one for each of the other tables."""
    return [_drop(key, row, clean, table) for table in tables if table is not clean]


def _drop(key: str, row: Row, clean: Table, table: Table) -> Drop:
    name, other = _variant(table), table.row(key)
    assert clean.lead is not None
    metric = clean.lead.name
    summary = other.summaries.get(metric) if other is not None and other.weights else None
    if other is None or summary is None:
        unscored = other is not None and other.status in COMPARED
        reason = UNDEFINED if unscored else other.status if other is not None else "missing"
        return Drop(name, reason=reason)
    sign = -1.0 if clean.lead.lower_is_better else 1.0
    base = row.summaries[metric]
    if _same_records(clean, table):
        loss = sign * (base.value - summary.value)
        runs = _minus(base.runs, summary.runs, sign)
        scored = row.first.scores.scored_classes if row.first.scores else 0
        return Drop(name, summary.value, base.value, loss, scored, runs)
    common = _common_classes([*row.good, *other.good], metric)
    if not common:
        return Drop(name, reason=UNDEFINED)
    before, after = (_macro(runs, metric, common) for runs in (row.good, other.good))
    few = _few(other.good[0], len(common))
    runs = _paired_by_patient(row.good, other.good, common) if metric == "auroc" else None
    return Drop(name, after, before, sign * (before - after), len(common), runs, few=few)


def _same_records(clean: Table, table: Table) -> bool:
    names = ("resamples", "test records and labels")
    one, other = clean.question.identity, table.question.identity
    return all(one.get(name) == other.get(name) for name in names)


def _minus(clean: Runs | None, changed: Runs | None, sign: float) -> Runs | None:
    if clean is None or changed is None or clean.values.shape != changed.values.shape:
        return None
    return clean.minus(changed) if sign > 0 else changed.minus(clean)


def _common_classes(runs: Sequence[Result], metric: str) -> tuple[str, ...]:
    """The classes that every run scores, in the order of the first."""
    scored = [
        [entry.name for entry in run.scores.classes if _value(entry, metric) is not None]
        for run in runs
        if run.scores is not None
    ]
    return tuple(name for name in scored[0] if all(name in names for names in scored))


def _macro(runs: Sequence[Result], metric: str, classes: Sequence[str]) -> float:
    """Mean over runs of the mean over some classes."""
    found = []
    for run in runs:
        by_name = {entry.name: _value(entry, metric) for entry in run.scores.classes}  # type: ignore[union-attr]
        found.append(mean([float(by_name[name] or 0.0) for name in classes]))
    return mean(found)


def _value(entry: object, metric: str) -> float | None:
    figure = getattr(entry, "f1" if metric.startswith("f1") else metric, None)
    return None if figure is None else figure.value


def _few(run: Result, classes: int) -> str:
    if classes < MIN_CLASSES:
        return f"fewer than {MIN_CLASSES} classes"
    patients = run.data.n_test_patients if run.data else 0
    return f"fewer than {MIN_PATIENTS} patients" if patients < MIN_PATIENTS else ""


def _paired_by_patient(
    clean: Sequence[Result], group: Sequence[Result], classes: Sequence[str]
) -> Runs | None:
    """The drop of each run on shared resamples; None where a record lacks them."""
    known = {(run.seed, run.draw): run for run in group}
    grid: dict[int, dict[int, Evidence]] = defaultdict(dict)
    for run in clean:
        other = known.get((run.seed, run.draw))
        both = [_on_shared(one, classes) for one in (run, other) if one is not None]
        whole, part = both if len(both) == 2 else (None, None)
        if whole is None or part is None or whole.draws.shape != part.draws.shape:
            return None
        grid[run.seed][run.draw] = evidence_of_drop(whole, part)
    rows = [[by_draw[draw] for draw in sorted(by_draw)] for _, by_draw in sorted(grid.items())]
    return Runs.of(rows) if len({len(row) for row in rows}) == 1 else None


def _on_shared(run: Result, classes: Sequence[str]) -> Bootstrap | None:
    scores = run.scores
    if scores is None or not set(classes) <= scores.shared.keys():
        return None
    entries = {entry.name: entry for entry in scores.classes}
    return Bootstrap(
        np.array([entries[name].auroc.value for name in classes], np.float64),
        np.array([unpack(scores.shared[name]) for name in classes]),
        np.array([entries[name].patients or 0.0 for name in classes]),
        "",
    )


def _means(falls: Sequence[Drop]) -> list[Drop]:
    """The mean of each kind whose levels are numbered from 1; none of a kind that lacks a figure."""
    kinds: defaultdict[str, dict[int, Drop]] = defaultdict(dict)
    for fall in falls:
        if found := re.fullmatch(r"(.+)-(\d+)", fall.name):
            kinds[found[1]][int(found[2])] = fall
    means = []
    for kind, levels in kinds.items():
        if len(levels) < 2 or sorted(levels) != list(range(1, len(levels) + 1)):
            continue
        name, parts = f"{kind} (mean)", list(levels.values())
        reasons = [part.reason for part in parts if part.reason]
        if reasons:
            means.append(Drop(name, reason=reasons[0]))
            continue
        value, clean, loss = (
            mean([getattr(part, what) for part in parts]) for what in ("value", "clean", "loss")
        )
        known = [part.runs for part in parts if part.runs is not None]
        together = _mean_runs(known) if len(known) == len(parts) else None
        few = next((part.few for part in parts if part.few), "")
        means.append(Drop(name, value, clean, loss, parts[0].classes, together, few=few))
    return means


def _mean_runs(parts: Sequence[Runs]) -> Runs | None:
    if len({(part.replicates.shape, part.patients.tobytes()) for part in parts}) > 1:
        return None
    return Runs(
        np.mean([part.values for part in parts], axis=0),
        np.mean([part.replicates for part in parts], axis=0),
        np.mean([part.spread for part in parts], axis=0),
        parts[0].patients,
    )


def _lines(key: str, falls: Sequence[Drop]) -> Iterator[tuple[str, ...]]:
    """A line a variant; the worst of what is there says little where something is missing that could be."""
    complete = all(not fall.reason or fall.reason in NO_FIGURE for fall in falls)
    known = [fall.loss for fall in falls if math.isfinite(fall.loss) and not fall.few]
    worst = max(known, default=math.nan)
    for fall in falls:
        spans = (
            (interval_of_drop(fall.runs, "weights"), interval_of_drop(fall.runs, "procedure"))
            if fall.runs is not None
            else (NOTHING, NOTHING)
        )
        figures = (fall.value, fall.clean, fall.loss, *spans[0], *spans[1])
        is_worst = complete and not fall.few and fall.loss == worst
        said = "worst" if is_worst else fall.reason or fall.few
        classes = str(fall.classes or "")
        yield (key, fall.name, *(number(figure) for figure in figures), classes, said)


def _variant(table: Table) -> str:
    return table.question.first.protocol.variant
