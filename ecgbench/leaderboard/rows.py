"""One row of a table: its runs, what they come to, and whether they may be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecgbench.evaluation.contamination import declared_contamination
from ecgbench.evaluation.metric_table import Metric
from ecgbench.leaderboard.summaries import Summary, summary
from ecgbench.results.schema import Result
from ecgbench.stats.components import MIN_SEEDS

STATUSES = (
    "verified",
    "self-reported",
    "incomplete",
    "mixed",
    "contaminated",
    "failed",
    "not-applicable",
)
COMPARED = STATUSES[:2]


@dataclass(frozen=True)
class Standing:
    """Where a row stands by one statement.

    Attributes:
        rank: 1 is best; equal figures share a rank.
        low: Least rank that the tests leave open.
        high: Greatest.
        letters: Rows that share none are separated.
        equivalent: Keys of the rows that surely differ from it by less than the margin.
    """

    rank: int
    low: int
    high: int
    letters: str
    equivalent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A row of a question's table.

    Attributes:
        key: ``METHOD[VARIANT]@CORPUS``.
        runs: All its results, failed ones too.
        status: One of :data:`STATUSES`; only the first two are compared.
        summaries: By metric name, over the runs that are ok.
        expected: Runs that it would have were it complete.
        notes: What a reader has to know, in words.
        twins: Keys and titles of rows that are the same runs under another name.
        weights: Where its trained models stand; None where they are not compared, as in every control.
        procedure: Its standing as a procedure; None for fewer than three seeds, too.
        against_bar: Against the best untrained encoder: ``bar`` for that row itself, ``above``,
            ``below`` or ``not separated``; empty where there is none.
    """

    key: str
    runs: Sequence[Result]
    status: str
    summaries: dict[str, Summary]
    expected: int
    notes: tuple[str, ...] = ()
    twins: tuple[tuple[str, str], ...] = ()
    weights: Standing | None = None
    procedure: Standing | None = None
    against_bar: str = ""

    @property
    def good(self) -> list[Result]:
        """The runs that have figures."""
        return [run for run in self.runs if run.status == "ok"]

    @property
    def first(self) -> Result:
        """A run to read from what all share; one with figures if there is one."""
        return (self.good or list(self.runs))[0]

    @property
    def title(self) -> str:
        """The method's title; of the same runs under several names, all of them."""
        return " = ".join([self.first.method.title, *(title for _, title in self.twins)])

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key under which other tables may know it."""
        return (self.key, *(key for key, _ in self.twins))

    @property
    def untrained(self) -> bool:
        """Whether it is an encoder whose weights no pre-training has seen."""
        return not self.first.pretraining.datasets and self.first.method.parameters > 0

    def is_procedure(self, metric: str) -> bool:
        """Whether it has the seeds that a statement of the procedure needs."""
        found = self.summaries.get(metric)
        return bool(found and found.runs is not None and found.runs.seeds >= MIN_SEEDS)


def row_of(
    key: str, runs: list[Result], metrics: Sequence[Metric], draws: int, control: bool
) -> Row:
    """A row without its standing.

    Args:
        key: Its name.
        runs: Its results.
        metrics: Columns of the table.
        draws: Draws that the question has.
        control: Whether the question is a control.
    """
    good = [run for run in runs if run.status == "ok"]
    seeds = max(run.seed for run in runs) + 1  # seeds count from 0: one that is left out shows
    expected = seeds * draws
    found = {metric.name: summary(good, metric, control) for metric in metrics}
    return Row(
        key,
        runs,
        _status(runs, good, expected),
        {name: one for name, one in found.items() if one is not None},
        expected,
        _notes(runs, expected),
    )


def once(rows: Sequence[Row]) -> list[Row]:
    """Rows whose runs have the same predictions, file by file, become one with several names."""
    found: dict[object, Row] = {}
    for row in rows:
        files = [(r.seed, r.draw, r.predictions.sha256) for r in row.good if r.predictions]
        same = row.status in COMPARED and len(files) == len(row.good)
        identity: object = tuple(files) if same else row.key
        other = found.get(identity)
        if other is None:
            found[identity] = row
        else:
            twins = (*other.twins, (row.key, row.first.method.title))
            found[identity] = Row(**{**vars(other), "twins": twins})
    return list(found.values())


def contamination(run: Result) -> str | None:
    """Why a run may have seen its test records: as recorded, or as its declared data sets imply."""
    return run.pretraining.contaminated or declared_contamination(
        run.pretraining.declared, run.task.dataset
    )


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
        ("versions of its code", {run.code.predictions for run in good}),
        ("profiles", {run.profile for run in good}),
    ):
        if len(values) > 1:
            notes[f"runs of {len(values)} {what}"] = None
    return tuple(notes)
