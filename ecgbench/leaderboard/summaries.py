"""A metric over the runs of a row: its mean, its intervals by statement, its spread over seeds and draws."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ecgbench.evaluation.metric_table import Metric
from ecgbench.leaderboard.evidence import runs_of
from ecgbench.results.schema import Result
from ecgbench.stats.components import interval_of, with_training
from ecgbench.stats.evidence import Runs
from ecgbench.stats.intervals import NOTHING, Span, limits

FREQUENT = 10
"""Positives that a class needs for the second macro mean."""


@dataclass(frozen=True)
class Summary:
    """A metric over the runs of a row.

    Attributes:
        value: Mean over runs.
        span: 95 % interval of these weights: over patients; for a control over draws too.
        procedure: 95 % interval of the procedure: over patients, seeds and draws; NaN for fewer than
            three seeds.
        sd_seeds: SD of the means by seed; NaN for one seed.
        sd_draws: SD of the means by draw; NaN for one draw.
        runs: What comparisons are made from; None for records without replicates.
    """

    value: float
    span: Span
    procedure: Span
    sd_seeds: float
    sd_draws: float
    runs: Runs | None


def summary(good: Sequence[Result], metric: Metric, control: bool) -> Summary | None:
    """Over the runs of a row; None where one of them lacks the figure: no mean over the rest."""
    figures = [run.scores.figures.get(metric.name) for run in good if run.scores is not None]
    values = [f.value for f in figures if f is not None and f.value is not None]
    if not values or len(values) < len(good):
        return None
    runs = runs_of(good, metric.name) if metric.covers else None
    span, procedure = NOTHING, NOTHING
    if runs is not None:
        span, procedure = interval_of(runs, "weights"), interval_of(runs, "procedure")
    first = figures[0]
    if len(good) == 1 and metric.covers and first and None not in (first.low, first.high):
        span = Span(first.low or 0.0, first.high or 0.0)
    if runs is not None and (control or any(map(shuffled, good))):
        span, procedure = interval_over_draws(runs, good, span), NOTHING
    of_seed, of_draw = defaultdict(list), defaultdict(list)
    for run, value in zip(good, values, strict=True):
        of_seed[run.seed].append(value)
        of_draw[run.draw].append(value)
    return Summary(
        mean(values),
        span,
        procedure,
        _sd([mean(group) for group in of_seed.values()]),
        _sd([mean(group) for group in of_draw.values()]),
        runs,
    )


def shuffled(run: Result) -> bool:
    """Whether the method learnt from shuffled reports: a control, shuffled anew by each seed."""
    return bool(run.config.get("pretrain", {}).get("shuffle_reports"))


def control_runs(runs: Runs, good: Sequence[Result]) -> Runs:
    """The draws of a control, averaged over seeds; for shuffled reports the seeds, averaged over draws."""
    return runs.over_seeds() if any(map(shuffled, good)) else runs.over_draws()


def interval_over_draws(runs: Runs, good: Sequence[Result], alone: Span) -> Span:
    """The 95 % interval of a control's mean over draws; of one draw the one over patients alone."""
    over = control_runs(runs, good)
    if over.values.size < 2 or not len(over.patients):
        return alone
    return limits(over.value, with_training(over), float(over.patients.min()))


def frequent_macro(good: Sequence[Result]) -> tuple[float, int]:
    """Macro-AUROC over the classes with ten positives or more, and how many these are."""
    runs = [run.scores.classes for run in good if run.scores is not None]
    chosen = [
        [entry.auroc.value for entry in classes if entry.positives >= FREQUENT] for classes in runs
    ]
    if not chosen or len({len(values) for values in chosen}) != 1 or not chosen[0]:
        return math.nan, 0
    known = [[value for value in values if value is not None] for values in chosen]
    if len({len(values) for values in known}) != 1 or not known[0]:
        return math.nan, 0
    return mean([mean(values) for values in known]), len(known[0])


def mean(values: Sequence[float]) -> float:
    """The same to the last bit in whatever order."""
    return math.fsum(values) / len(values)


def _sd(values: Sequence[float]) -> float:
    if len(values) < 2:
        return math.nan
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))
