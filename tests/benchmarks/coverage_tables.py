"""Do the intervals, tests, ranks and drops of tables keep what they say? On simulated tables.

    python tests/benchmarks/coverage_tables.py [--sets 1000] [--resamples 200] [--jobs 1] [--designs 0 2]

Every set is a table of four methods of equal worth, each with its seeds and draws, scored on one test
split by the functions that tables use (:mod:`ecgbench.stats`). Two unlike generators make the splits:
``normal`` has normal scores that a patient's records share in part, and labels of independent classes;
``skewed`` has exponential scores, labels that depend on a patient's severity in all classes, and patients
with up to eight records. A seed and a draw move a method's worth; its value as a procedure is the mean
over all of them. Prints the tables of docs/statistics.md.

Each figure is a share of sets, so with 1,000 sets a rate of 5 % has a standard error of 0.7 points, less
for the mean over the rows and pairs of a table.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import special

from ecgbench.evaluation.pairs import ClassPair
from ecgbench.metrics import weighted
from ecgbench.stats.bootstrap import Bootstrap, bootstrap, evidence_of, evidence_of_drop
from ecgbench.stats.components import Statement, interval_of, interval_of_drop
from ecgbench.stats.evidence import Runs
from ecgbench.stats.intervals import Span
from ecgbench.stats.pairs import compare
from ecgbench.stats.resample import Design, SharedDesign
from ecgbench.stats.standings import standings

Values = NDArray[np.float64]
METHODS = 4
PREVALENCE = np.array([0.04, 0.1, 0.2, 0.35])
WORTH = np.array([1.6, 1.2, 0.9, 1.4])  # of the classes; on the scale of the generator
LOSS = 0.75  # what a corruption leaves of a worth
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(31)


@dataclass(frozen=True)
class Table:
    """A kind of table.

    Attributes:
        seeds: Of each method.
        draws: Common to all methods.
        sd_seed: By how much a seed moves the worth of a method.
        sd_draw: By how much a draw does, half of it alike for all methods.
        patients: In the test split.
    """

    name: str
    seeds: int = 3
    draws: int = 1
    sd_seed: float = 0.12
    sd_draw: float = 0.0
    patients: int = 200

    @property
    def sd(self) -> float:
        """Standard deviation of a run's true value over seeds and draws."""
        return float(np.hypot(self.sd_seed, self.sd_draw))


@dataclass(frozen=True)
class Generator:
    """How a split is made.

    Attributes:
        auroc: True AUROC of a worth.
        score: Scores from standard normal noise, labels and worth.
        sizes: Shares of patients with 1, 2, ... records.
        severity: Part of a label's latent variable that all classes of a patient share.
    """

    name: str
    auroc: Callable[[Values], Values]
    score: Callable[[Values, NDArray[np.bool_], Values], Values]
    sizes: tuple[float, ...]
    severity: float

    def expected(self, worth: Values, sd: float) -> Values:
        """Mean AUROC where the worth is normal around its mean."""
        moved = self.auroc(worth[..., None] + sd * NODES)
        return np.asarray((moved * WEIGHTS).sum(axis=-1) / WEIGHTS.sum())


def _exponential(noise: Values, y: NDArray[np.bool_], worth: Values) -> Values:
    return np.asarray(-special.log_ndtr(-noise) * np.exp(worth * y))


GENERATORS = (
    Generator(
        "normal",
        lambda worth: special.ndtr(worth / np.sqrt(2)),
        lambda noise, y, worth: noise + worth * y,
        (0.7, 0.2, 0.1),
        0.0,
    ),
    Generator(
        "skewed", special.expit, _exponential, (0.5, 0.25, 0.12, 0.06, 0.03, 0.02, 0.01, 0.01), 0.5
    ),
)
TABLES = (
    Table("one seed", seeds=1, sd_seed=0.0),
    Table("3 seeds", seeds=3),
    Table("5 seeds", seeds=5),
    Table("3 seeds, 5 draws", seeds=3, draws=5, sd_draw=0.15),
    Table("3 seeds, twice the spread", seeds=3, sd_seed=0.24),
    Table("one seed, 600 patients", seeds=1, sd_seed=0.0, patients=600),
)


@dataclass(frozen=True)
class Split:
    """A test split with the luck of its records that all methods have."""

    of: Generator
    patient: NDArray[np.int64]
    y: NDArray[np.bool_]
    rng: np.random.Generator

    @classmethod
    def made(cls, of: Generator, patients: int, rng: np.random.Generator) -> Split:
        """Patients, their records and labels; every class has both kinds."""
        records = rng.choice(len(of.sizes), p=of.sizes, size=patients) + 1
        bare = cls(of, np.repeat(np.arange(patients), records), np.zeros((1, 1), bool), rng)
        severity = rng.normal(size=(patients, 1))[bare.patient]
        latent = np.sqrt(of.severity) * severity + np.sqrt(1 - of.severity) * bare.noise(0.8)
        y = latent < special.ndtri(PREVALENCE)
        y[0], y[-1] = True, False
        return replace(bare, y=y)

    def noise(self, share: float = 0.6) -> Values:
        """Standard normal ``[records, classes]``, a part of it alike for the records of a patient."""
        shape = (self.patient.max() + 1, len(PREVALENCE))
        own = self.rng.normal(size=(len(self.patient), len(PREVALENCE)))
        return np.asarray(
            np.sqrt(share) * self.rng.normal(size=shape)[self.patient] + np.sqrt(1 - share) * own
        )

    @property
    def names(self) -> list[str]:
        """Of the records' patients."""
        return [f"{number:05d}" for number in self.patient]


def boots(split: Split, scores: Values, design: Design) -> list[Bootstrap]:
    """One a run, of ``[runs, records, classes]`` scores."""
    runs = len(scores)
    labels = np.tile(split.y, runs)
    flat = np.concatenate(list(scores), axis=1)
    patients = ClassPair(split.y, scores[0], None).patients(design)
    statistic = partial(weighted.auroc, labels, flat)
    whole = bootstrap({"auroc": statistic}, design, np.tile(patients, runs))["auroc"]
    classes = np.arange(len(PREVALENCE))
    return [whole.only(run * len(classes) + classes) for run in range(runs)]


def judge(of: Generator, table: Table, number: int, resamples: int) -> dict[str, list[float]]:
    """One table: what each statement says, by name of the figure."""
    rng = np.random.default_rng([7, number])
    split = Split.made(of, table.patients, rng)
    shape = (METHODS, table.seeds, table.draws)
    worth = _worths(table, rng)[..., None] + WORTH
    common = split.noise()
    clean, changed = np.empty((2, *shape, len(split.y), len(PREVALENCE)))
    for method in range(METHODS):
        own = split.noise()
        for run in np.ndindex(*shape[1:]):
            luck = np.sqrt(0.5) * common + np.sqrt(0.35) * own + np.sqrt(0.15) * split.noise()
            clean[method, *run] = of.score(luck, split.y, worth[method, *run])
            luck = np.sqrt(0.8) * luck + np.sqrt(0.2) * split.noise()
            changed[method, *run] = of.score(luck, split.y, LOSS * worth[method, *run])
    true = {"weights": of.auroc(worth).mean(axis=(1, 2, 3))}
    true["procedure"] = np.full(METHODS, of.expected(WORTH, table.sd).mean())
    lost = {"weights": of.auroc(LOSS * worth).mean(axis=(1, 2, 3))}
    lost["procedure"] = np.full(METHODS, of.expected(LOSS * WORTH, LOSS * table.sd).mean())
    design = Design.of(split.names, resamples, number)
    rows, others = (_rows(boots(split, _flat(x), design), shape) for x in (clean, changed))
    groups = _group_drops(split, _flat(clean[:1]), (1, *shape[1:]), resamples, number)
    found: dict[str, list[float]] = {}
    for statement in _statements(table):
        spans = [interval_of(row, statement) for row in rows]
        found[f"{statement} interval"] = _holds(spans, true[statement])
        found[f"{statement} test"] = _test(rows, true[statement], statement)
        found[f"{statement} ranks"] = [_ranks_hold(rows, true[statement], statement)]
        falls = [row.minus(other) for row, other in zip(rows, others, strict=True)]
        drops = [interval_of_drop(fall, statement) for fall in falls]
        found[f"{statement} drop"] = _holds(drops, true[statement] - lost[statement])
        group = [interval_of_drop(fall, statement) for fall in groups]
        found[f"{statement} group"] = _holds(group, np.zeros(len(group)))
    return found


def _statements(table: Table) -> tuple[Statement, ...]:
    return ("weights",) if table.seeds < 3 else ("procedure",)


def _worths(table: Table, rng: np.random.Generator) -> Values:
    """``[methods, seeds, draws]`` by how much the worth of a run differs from that of its method."""
    seeds = table.sd_seed * rng.normal(size=(METHODS, table.seeds, 1))
    common, own = rng.normal(size=(1, 1, table.draws)), rng.normal(size=(METHODS, 1, table.draws))
    return np.asarray(seeds + table.sd_draw * np.sqrt(0.5) * (common + own))


def _flat(scores: Values) -> Values:
    return scores.reshape(-1, *scores.shape[-2:])


def _rows(runs: list[Bootstrap], shape: tuple[int, ...]) -> list[Runs]:
    items = iter([evidence_of(run) for run in runs])
    return [
        Runs.of([[next(items) for _ in range(shape[2])] for _ in range(shape[1])])
        for _ in range(shape[0])
    ]


def _group_drops(
    split: Split, scores: Values, shape: tuple[int, ...], resamples: int, number: int
) -> list[Runs]:
    """Drops from the split to every third of its patients: 0 in truth, because the group is like all."""
    kept = split.patient % 3 == 0
    part = replace(split, patient=split.patient[kept], y=split.y[kept])
    if not (part.y.any(axis=0) & ~part.y.all(axis=0)).all():
        return []
    designs = [SharedDesign.of(one.names, resamples, number) for one in (split, part)]
    whole, group = boots(split, scores, designs[0]), boots(part, scores[:, kept], designs[1])
    items = iter([evidence_of_drop(a, b) for a, b in zip(whole, group, strict=True)])
    return [Runs.of([[next(items) for _ in range(shape[2])] for _ in range(shape[1])])]


def _holds(spans: list[Span], true: Values) -> list[float]:
    pairs = zip(spans, true, strict=True)
    return [float(span.low <= value <= span.high) for span, value in pairs if np.isfinite(span.low)]


def _test(rows: list[Runs], true: Values, statement: Statement) -> list[float]:
    """Whether the test of each pair rejects the difference that is true."""
    pairs = compare(rows, statement)
    against = replace(pairs, difference=pairs.difference - (true[:, None] - true[None, :]))
    p = against.p_values()[np.triu_indices(len(rows), 1)]
    return [float(value < 0.05) for value in p]


def _ranks_hold(rows: list[Runs], true: Values, statement: Statement) -> float:
    """Whether all intervals hold the ranks that are true, each tie any of its ranks."""
    found = standings(rows, statement)
    ahead = true[None, :] - true[:, None]
    low, high = 1 + (ahead > 1e-12).sum(axis=1), len(rows) - (ahead < -1e-12).sum(axis=1)
    return float((np.array(found.low) <= low).all() and (np.array(found.high) >= high).all())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--designs", type=int, nargs="*", default=range(len(TABLES)))
    given = parser.parse_args()
    print(
        "| splits | table | statement | interval covers | paired test rejects | rank intervals hold "
        "together | drop covers, same records | drop covers, group of patients |\n"
        + "|---" * 8
        + "|"
    )
    for table in (TABLES[number] for number in given.designs):
        for of in GENERATORS:
            tasks = (delayed(judge)(of, table, n, given.resamples) for n in range(given.sets))
            notes = Parallel(n_jobs=given.jobs)(tasks)
            for statement in _statements(table):
                shares = [
                    f"{np.mean([x for note in notes for x in note[f'{statement} {what}']]):.1%}"
                    for what in ("interval", "test", "ranks", "drop", "group")
                ]
                print(
                    f"| {of.name} | {table.name} | {statement} | {' | '.join(shares)} |", flush=True
                )


if __name__ == "__main__":
    main()
