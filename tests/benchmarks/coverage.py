"""Do the intervals cover, and does the paired test keep its level? On simulated test sets.

    python tests/benchmarks/coverage.py [--sets 1000] [--resamples 1000] [--scenarios 0 1]
                                        [--metrics auroc f1] [--jobs 2]

Every test set is simulated from a model whose true AUROC, average precision and F1 are known: normal
scores, shifted for positives, with an effect of the patient on each class and one on all; labels
that agree within a patient. Two methods of equal worth are scored on each set for the paired test.
Prints the tables of docs/statistics.md.

Fewer resamples are cheaper and cost little: a standard error from B of them is itself off by a share of
1 / sqrt(2 B), which moves coverage and the test's level by some 22 / B percentage points (0.09 at 250), where
1,000 sets know a rate of 5 % to 0.7. Only the percentile intervals, kept for comparison, need a thousand.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import special

from ecgbench.evaluation.pairs import ClassPair
from ecgbench.metrics import weighted
from ecgbench.stats.bootstrap import Bootstrap, bootstrap, evidence_of, macro_interval
from ecgbench.stats.evidence import Runs
from ecgbench.stats.pairs import compare
from ecgbench.stats.resample import Design

Values = NDArray[np.float64]
RHO, COMMON, LABEL_RHO = 0.6, 0.2, 0.8


@dataclass(frozen=True)
class Scenario:
    """A kind of test split; ``sizes`` are the shares of patients with 1, 2, ... records."""

    name: str
    patients: int
    prevalence: Values
    auroc: Values
    sizes: tuple[float, ...]


def one_class(name: str, patients: int, prevalence: float, auroc: float) -> Scenario:
    return Scenario(
        name, patients, np.array([prevalence]), np.array([auroc]), (0.7, 0.2, 0.06, 0.04)
    )


def many_classes(name: str, patients: int, rarest: float, sizes: tuple[float, ...]) -> Scenario:
    rng = np.random.default_rng(5)
    return Scenario(
        name,
        patients,
        np.geomspace(rarest, 0.35, 23),
        rng.permutation(np.linspace(0.75, 0.98, 23)),
        sizes,
    )


SCENARIOS = (
    many_classes("23 classes, 1,900 patients", 1900, 0.001, (0.88, 0.1, 0.015, 0.005)),
    many_classes("23 classes, 180 patients", 180, 0.003, (0.93, 0.05, 0.02)),
    many_classes("23 classes, 300 patients, 1-5 records each", 300, 0.01, (0.2,) * 5),
    one_class("1 class, 200 positives, AUROC 0.90", 1500, 0.1, 0.90),
    one_class("1 class, 60 positives, AUROC 0.90", 500, 0.08, 0.90),
    one_class("1 class, 30 positives, AUROC 0.80", 500, 0.04, 0.80),
    one_class("1 class, 30 positives, AUROC 0.95", 500, 0.04, 0.95),
    one_class("1 class, 10 positives, AUROC 0.90", 150, 0.047, 0.90),
)


class Truth:
    """Population values of a scenario's metrics."""

    def __init__(self, scenario: Scenario) -> None:
        self.shift = np.sqrt(2) * special.ndtri(scenario.auroc)
        self.cuts = self.shift / 2 + np.log((1 - scenario.prevalence) / scenario.prevalence) / (
            2 * self.shift
        )
        p, grid = scenario.prevalence[:, None], np.linspace(-9, 13, 40_001)
        recall, alarms = special.ndtr(self.shift[:, None] - grid), special.ndtr(-grid)
        precision = p * recall / (p * recall + (1 - p) * alarms)
        pieces = 0.5 * (precision[:, 1:] + precision[:, :-1]) * -np.diff(recall)
        hit, alarm = special.ndtr(self.shift - self.cuts), special.ndtr(-self.cuts)
        calls = scenario.prevalence * hit + (1 - scenario.prevalence) * alarm
        self.values = {
            "auroc": scenario.auroc,
            "auprc": pieces.sum(axis=1),
            "f1": 2 * scenario.prevalence * hit / (calls + scenario.prevalence),
        }


def simulate(
    scenario: Scenario, shift: Values, rng: np.random.Generator
) -> tuple[list[str], NDArray[np.bool_], Values, Values]:
    """Patients, labels, and the scores of two methods of equal worth that err alike in part."""
    records = rng.choice(len(scenario.sizes), p=scenario.sizes, size=scenario.patients) + 1
    patient = np.repeat(np.arange(scenario.patients), records)
    shape = (scenario.patients, len(shift))

    def clustered(share: float) -> Values:
        own = rng.normal(size=(len(patient), len(shift)))
        return np.sqrt(share) * rng.normal(size=shape)[patient] + np.sqrt(1 - share) * own

    def noise() -> Values:
        everywhere = rng.normal(size=(scenario.patients, 1))[patient]
        return np.sqrt(COMMON) * everywhere + np.sqrt(1 - COMMON) * clustered(RHO)

    y = clustered(LABEL_RHO) < special.ndtri(scenario.prevalence)
    shared, *own = (noise() for _ in range(3))
    first, second = (np.sqrt(0.5) * shared + np.sqrt(0.5) * part + shift * y for part in own)
    return [f"{number:05d}" for number in patient], y, first, second


def percentile_interval(result: Bootstrap) -> tuple[float, float]:
    """The usual interval, for comparison."""
    kept = result.draws[result.scored]
    count = (~np.isnan(kept)).sum(axis=0)
    means = np.nansum(kept, axis=0)[count > 0] / count[count > 0]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def judge(
    scenario: Scenario, truth: Truth, number: int, metrics: Sequence[str], resamples: int
) -> dict[str, dict[str, float]]:
    """One test set: what its interval and its comparison say, by metric."""
    statistics = {
        "auroc": weighted.auroc,
        "auprc": weighted.average_precision,
        "f1": partial(weighted.f1_at, thresholds=np.tile(truth.cuts, 2)),
    }
    rng = np.random.default_rng([2024, number])
    patients, y, first, second = simulate(scenario, truth.shift, rng)
    # The two methods stand side by side as columns, so that resamples are drawn once for both.
    both = ClassPair(np.hstack([y, y]), np.hstack([first, second]), None)
    design = Design.of(patients, resamples, seed=number)
    boots = bootstrap(
        {name: partial(statistics[name], both.labels, both.scores) for name in metrics},
        design,
        both.patients(design),
    )
    found = {}
    for name, boot in boots.items():
        a, b = (boot.only(half) for half in np.split(np.arange(both.labels.shape[1]), 2))
        interval = macro_interval(a)
        if np.isnan(interval.low):
            found[name] = {"none": 1.0}
            continue
        true = truth.values[name][a.scored].mean()
        low, high = percentile_interval(a)
        found[name] = {
            "covers": interval.low <= true <= interval.high,
            "too high": interval.low > true,
            "percentile": low <= true <= high,
            "rejects": rejects([a, b]),
            "error": interval.value - true,
            "low": interval.low - true,
            "high": interval.high - true,
        }
    return found


def rejects(both: Sequence[Bootstrap]) -> float:
    """Whether the test of tables tells two methods apart."""
    rows = [Runs.of([[evidence_of(one)]]) for one in both]
    return float(compare(rows, "weights").p_values()[0, 1] < 0.05)


def row(scenario: Scenario, metric: str, notes: list[dict[str, float]]) -> str:
    judged = [note for note in notes if "none" not in note]
    column = {key: np.array([note[key] for note in judged]) for key in judged[0]}
    mean = {key: values.mean() for key, values in column.items()}
    about = ((column["low"] <= mean["error"]) & (mean["error"] <= column["high"])).mean()
    return (
        f"| {scenario.name} | {metric} | {mean['covers']:.1%} | {mean['too high']:.1%} "
        f"| {mean['high'] - mean['low']:.3f} | {mean['error']:+.4f} | {about:.1%} "
        f"| {mean['percentile']:.1%} | {mean['rejects']:.1%} | {len(notes) - len(judged)} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--scenarios", type=int, nargs="*", default=range(len(SCENARIOS)))
    parser.add_argument("--metrics", nargs="*", default=["auroc", "auprc", "f1"])
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    print(
        "| test split | metric | covers | lies too high | mean width | mean error | covers the mean "
        "of such splits | percentile covers | paired test rejects | no interval |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for scenario in (SCENARIOS[number] for number in given.scenarios):
        known = scenario, Truth(scenario)
        settings = given.metrics, given.resamples
        tasks = (delayed(judge)(*known, number, *settings) for number in range(given.sets))
        found = Parallel(n_jobs=given.jobs)(tasks)
        for metric in given.metrics:
            print(row(scenario, metric, [sample[metric] for sample in found]), flush=True)


if __name__ == "__main__":
    main()
