"""The text of a cell: what a row says in one column, with the same digits in every format."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ecgbench.leaderboard.rows import Row, Standing
from ecgbench.leaderboard.summaries import frequent_macro
from ecgbench.results.schema import Result


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


def frequent_classes(row: Row) -> str:
    """How many classes have ten positives or more."""
    return str(frequent_macro(row.good)[1] or "")


def yes_or_no(value: bool | None) -> str:
    """A verdict; empty for none."""
    return "" if value is None else "yes" if value else "NO"


def figure_text(metric: str) -> Callable[[Row], str]:
    """A figure with the interval of these weights and the larger of its standard deviations."""

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


def value_text(metric: str) -> Callable[[Row], str]:
    """A figure alone."""

    def cell(row: Row) -> str:
        summary = row.summaries.get(metric)
        return number(summary.value, 3) if summary else ""

    return cell


def scored_classes(row: Row) -> str:
    """How many classes of the label set are in the mean."""
    scores = row.good[0].scores if row.good else None
    return f"{scores.scored_classes} of {len(scores.classes)}" if scores and scores.classes else ""


def runs_text(row: Row) -> str:
    """Seeds times draws; of an incomplete row how many runs of how many."""
    seeds, draws = len({r.seed for r in row.good}), len({r.draw for r in row.good})
    whole = f"{seeds} x {draws}"
    return whole if len(row.good) == row.expected else f"{len(row.good)} of {row.expected}"


def minutes(row: Row) -> str:
    """All stages of a run, mean over runs."""
    sums = [sum(run.costs.seconds.values()) for run in row.good]
    return number(math.fsum(sums) / len(sums) / 60, 1) if sums else ""


def seconds(row: Row, stages: Sequence[str]) -> str:
    """Some stages of a run, mean over runs."""
    sums = [math.fsum(run.costs.seconds.get(stage, 0.0) for stage in stages) for run in row.good]
    return number(math.fsum(sums) / len(sums), 1) if sums else ""


def of_scores(row: Row, read: Callable[..., int]) -> str:
    """A count from the scores by class."""
    scores = row.good[0].scores if row.good else None
    return str(read(scores)) if scores and scores.classes else ""


def of_run(row: Row, read: Callable[[Result], int]) -> str:
    """A count from a run with figures."""
    return str(read(row.first)) if row.good else ""


def mean_or_none(values: Sequence[float | None]) -> float | None:
    """The mean; None where a value is missing."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None
