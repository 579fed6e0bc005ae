"""One question's table in figures: what each row's runs come to, and where the row stands."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ecgbench.evaluation.contamination import declared_contamination
from ecgbench.evaluation.metric_table import Metric, in_order, leading
from ecgbench.leaderboard.evidence import (
    Evidence,
    Span,
    evidence_of,
    interval,
    interval_over_draws,
    mean_of,
)
from ecgbench.leaderboard.questions import Question
from ecgbench.leaderboard.ranking import Ranking, rank
from ecgbench.results.schema import Result

STATUSES = (
    "verified",
    "self-reported",
    "incomplete",
    "mixed",
    "contaminated",
    "failed",
    "not-applicable",
)
NOTHING = Span(math.nan, math.nan)


@dataclass(frozen=True)
class Summary:
    """A metric over the runs of a row.

    Attributes:
        value: Mean over runs.
        span: 95 % interval over patients; of a control over draws too.
        sd_seeds: SD of the means by seed; NaN for one seed.
        sd_draws: SD of the means by draw; NaN for one draw.
        evidence: What comparisons are made from; None for records without replicates.
    """

    value: float
    span: Span
    sd_seeds: float
    sd_draws: float
    evidence: Evidence | None


@dataclass(frozen=True)
class Row:
    """A row of a question's table.

    Attributes:
        key: ``METHOD[VARIANT]@CORPUS``.
        runs: All its results, failed ones too.
        status: One of :data:`STATUSES`; only the first two are ranked.
        summaries: By metric name, over the runs that are ok.
        expected: Runs that it would have were it complete.
        notes: What a reader has to know, in words.
        rank: 1 is best; None where it is not ranked, as in every control.
        rank_span: Its interval.
        bracket: Letters shared by rows that cannot be told apart.
    """

    key: str
    runs: Sequence[Result]
    status: str
    summaries: dict[str, Summary]
    expected: int
    notes: tuple[str, ...] = ()
    rank: int | None = None
    rank_span: tuple[int, int] | None = None
    bracket: str = ""

    @property
    def good(self) -> list[Result]:
        """The runs that have figures."""
        return [run for run in self.runs if run.status == "ok"]

    @property
    def first(self) -> Result:
        """A run to read from what all share; one with figures if there is one."""
        return (self.good or list(self.runs))[0]


@dataclass(frozen=True)
class Table:
    """One question, answered.

    Attributes:
        question: With its identity.
        metrics: The columns.
        lead: What rows are ranked by.
        rows: Best first; what is not ranked comes after, by status and name.
        separable: The difference that pairs of rows need to be told apart.
        apart: Keys of the pairs of ranked rows that the paired bootstrap separates, Holm-corrected.
    """

    question: Question
    metrics: list[Metric]
    lead: Metric | None
    rows: list[Row] = field(default_factory=list)
    separable: float = math.nan
    apart: frozenset[tuple[str, str]] = frozenset()

    def tells_apart(self, one: str, other: str) -> bool:
        """Whether two ranked rows are separated, by their keys."""
        return (one, other) in self.apart or (other, one) in self.apart


def table_of(question: Question) -> Table:
    """Answer one question."""
    names = {name for result in question.results if result.scores for name in result.scores.figures}
    metrics = in_order(names)
    lead = leading(metrics)
    draws = {result.draw for result in question.results}
    control = question.chance is not None
    rows = [_row(key, runs, metrics, len(draws), control) for key, runs in question.rows.items()]
    if control:  # nobody is better at chance
        return Table(question, metrics, lead, sorted(rows, key=lambda r: _order(r, None)))
    rows, placed, ranking = _ranked(rows, lead)
    return Table(
        question,
        metrics,
        lead,
        sorted(rows, key=lambda r: _order(r, lead)),
        ranking.separable,
        frozenset((placed[i].key, placed[j].key) for i, j in ranking.apart),
    )


def share_of(table: Table) -> tuple[float, str]:
    """The share of the labels that a variant's name says, in per cent (infinite for none), and the name.

    As a key of sorting it puts ``1%`` before ``10%`` before ``100%``, and other names after them.
    """
    variant = table.question.first.protocol.variant
    digits = variant.removesuffix("%")
    is_share = variant != digits and digits.isascii() and digits.replace(".", "", 1).isdigit()
    return (float(digits) if is_share else math.inf), variant


def _row(key: str, runs: list[Result], metrics: Sequence[Metric], draws: int, control: bool) -> Row:
    good = [run for run in runs if run.status == "ok"]
    seeds = max(run.seed for run in runs) + 1  # seeds count from 0: one that is left out shows
    expected = seeds * draws
    notes = _notes(runs, expected)
    summaries = {
        metric.name: summary
        for metric in metrics
        if (summary := _summary(good, metric.name, control)) is not None
    }
    return Row(key, runs, _status(runs, good, expected), summaries, expected, notes)


def _status(runs: Sequence[Result], good: Sequence[Result], expected: int) -> str:
    if not good:
        failed = any(run.status == "failed" for run in runs)
        return "failed" if failed else "not-applicable"
    if any(contamination(run) for run in good):
        return "contaminated"
    if len(good) < expected:
        return "incomplete"
    if len({(run.method.config_hash, run.profile) for run in good}) > 1:
        return "mixed"  # a mean over different things is of nothing
    verified = all(run.verification == "verified" for run in good)
    return "verified" if verified else "self-reported"


def contamination(run: Result) -> str | None:
    """Why a run may have seen its test records: as recorded, or as its declared data sets imply."""
    return run.pretraining.contaminated or declared_contamination(
        run.pretraining.declared, run.task.dataset
    )


def _notes(runs: Sequence[Result], expected: int) -> tuple[str, ...]:
    good = [run for run in runs if run.status == "ok"]
    notes = dict.fromkeys(reason for run in good if (reason := contamination(run)))
    notes |= dict.fromkeys(note for run in good for note in run.notes)
    if good and len(good) < expected:
        notes[f"{len(good)} of {expected} runs"] = None
    for run in runs:
        if run.status != "ok":
            notes[f"seed {run.seed} draw {run.draw} {run.status}: {run.reason}"] = None
    most = max((run.test_evaluations for run in good), default=1)
    if most > 1:  # by the ledger of the machine that ran it
        notes[f"test split predicted up to {most} times"] = None
    for what, values in (
        ("configurations", {run.method.config_hash for run in good}),
        ("versions of its code", {run.method.code_hash for run in good}),
        ("profiles", {run.profile for run in good}),
    ):
        if len(values) > 1:
            notes[f"runs of {len(values)} {what}"] = None
    return tuple(notes)


def dealt(run: Result) -> bool:
    """Whether it learnt from the reports of other records: a control, dealt anew by each seed."""
    return bool(run.config.get("pretrain", {}).get("shuffle_reports"))


def by_draw(good: Sequence[Result], metric: str) -> list[Evidence]:
    """What each draw says, as the mean over its seeds; of dealt reports, each deal over its draws.

    Draws and deals whose records lack replicates are out.
    """
    grouped: defaultdict[int, list[Evidence | None]] = defaultdict(list)
    for run in good:
        grouped[run.seed if dealt(run) else run.draw].append(evidence_of(run, metric))
    whole = [[item for item in group if item is not None] for group in grouped.values()]
    return [
        mean_of(items)
        for items, group in zip(whole, grouped.values(), strict=True)
        if len(items) == len(group)
    ]


def _summary(good: Sequence[Result], metric: str, control: bool) -> Summary | None:
    """Over the runs of a row; None where one of them lacks the figure: no mean over the rest."""
    figures = [run.scores.figures.get(metric) for run in good if run.scores is not None]
    values = [f.value for f in figures if f is not None and f.value is not None]
    if not values or len(values) < len(good):
        return None
    evidence = [item for run in good if (item := evidence_of(run, metric)) is not None]
    together = mean_of(evidence) if len(evidence) == len(good) else None
    span = interval(together) if together else NOTHING
    if len(good) == 1 and figures[0] and figures[0].low is not None and figures[0].high is not None:
        span = Span(figures[0].low, figures[0].high)
    if together and (control or any(map(dealt, good))):
        draws = by_draw(good, metric)
        span = interval_over_draws(draws) if len(draws) > 1 else span
    of_seed, of_draw = defaultdict(list), defaultdict(list)
    for run, value in zip(good, values, strict=True):
        of_seed[run.seed].append(value)
        of_draw[run.draw].append(value)
    return Summary(
        _mean(values),
        span,
        _sd([_mean(group) for group in of_seed.values()]),
        _sd([_mean(group) for group in of_draw.values()]),
        together,
    )


def _ranked(rows: list[Row], lead: Metric | None) -> tuple[list[Row], list[Row], Ranking]:
    """Rank the rows that may be: all rows, those that were ranked, and their ranking."""
    evidence: list[Evidence] = []
    positions: list[int] = []
    for position, row in enumerate(rows):
        summary = row.summaries.get(lead.name) if lead else None
        if row.status in STATUSES[:2] and summary and summary.evidence is not None:
            positions.append(position)
            evidence.append(summary.evidence)
    ranking = rank(evidence, bool(lead and lead.lower_is_better))
    for place, position in enumerate(positions):
        rows[position] = replace(
            rows[position],
            rank=ranking.ranks[place],
            rank_span=(ranking.low[place], ranking.high[place]),
            bracket=ranking.brackets[place],
        )
    return rows, [rows[position] for position in positions], ranking


def _order(row: Row, lead: Metric | None) -> tuple[int, int, float, str]:
    summary = row.summaries.get(lead.name) if lead else None
    value = summary.value if summary else -math.inf
    sign = 1.0 if lead and lead.lower_is_better else -1.0
    return (
        row.rank is None,
        STATUSES.index(row.status) if row.rank is None else 0,
        sign * value,
        row.key,
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _sd(values: Sequence[float]) -> float:
    if len(values) < 2:
        return math.nan
    middle = _mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))
