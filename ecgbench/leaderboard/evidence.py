"""What result records say of a metric, as :mod:`ecgbench.stats.evidence` judges it.

Records hold the replicates of every macro figure, so neither labels nor predictions are needed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgbench.results.parts import ClassFigures, Figure
from ecgbench.results.replicates import unpack
from ecgbench.results.schema import Result
from ecgbench.stats.evidence import Evidence, Runs


def evidence_of(result: Result, metric: str) -> Evidence | None:
    """What one record says of a metric; None where it is undefined or has no replicates."""
    scores = result.scores
    figure = scores.figures.get(metric) if scores else None
    if scores is None or figure is None or figure.value is None or metric not in scores.replicates:
        return None
    replicates = unpack(scores.replicates[metric])
    pairs = [_class_spread(entry, metric) for entry in scores.classes]
    known = [pair for pair in pairs if pair is not None]
    if not known:  # no classes: the records themselves are averaged
        patients = scores.patients or 0.0
        known = [(float(np.nanvar(replicates, ddof=1)), patients)] if patients >= 2 else []
    return Evidence(
        figure.value,
        replicates,
        np.array([spread for spread, _ in known]),
        np.array([patients for _, patients in known]),
    )


def runs_of(results: Sequence[Result], metric: str) -> Runs | None:
    """The runs of a row as a grid of seeds and draws; None where one has no evidence.

    Where the grid has holes, seeds and draws cannot be told apart: the runs are then draws of one seed,
    which serves a statement of these weights and of no procedure.
    """
    known = {(run.seed, run.draw): evidence_of(run, metric) for run in results}
    if not known or any(item is None for item in known.values()):
        return None
    seeds, draws = (sorted({key[k] for key in known}) for k in (0, 1))
    there = {key: item for key, item in known.items() if item is not None}
    if len(there) != len(seeds) * len(draws):
        return Runs.of([[there[key] for key in sorted(there)]])
    return Runs.of([[there[seed, draw] for draw in draws] for seed in seeds])


def _class_spread(entry: ClassFigures, metric: str) -> tuple[float, float] | None:
    name = "f1" if metric.startswith("f1") else metric
    figure: Figure | None = getattr(entry, name, None)
    if figure is None or figure.se is None or entry.patients is None or entry.patients < 2:
        return None
    return figure.se**2 * (entry.patients - 1) / entry.patients, entry.patients
