"""The subject of an inspection: a pre-trained method and the validation records of a data set.

Test records are not used: people make choices based on plots, and choices must use validation
records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgbench.config.effective import configure
from ecgbench.data.dataset import Dataset
from ecgbench.data.opening import open_dataset
from ecgbench.method import count_parameters
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.specs import MethodInfo
from ecgbench.protocol import Records
from ecgbench.training.encode import Encoder
from ecgbench.training.recipe import Recipe

SPLIT = "val"
PREFERRED = "super"  # label set
UNITS = {
    "zscore-record": "z-score over the record",
    "zscore-lead": "z-score over the lead",
    "minmax-record": "share of the record's range",
    "minmax-lead": "share of the lead's range",
    "none": "unit of the data set",
}


@dataclass(frozen=True)
class Subject:
    """A pre-trained method and the records for its plots.

    Attributes:
        encoder: The checkpoint with what made it.
        dataset: The data set of the records.
        overrides: What the user set.
        labels: Requested label set; None for the data set's superclasses, or else its first.
    """

    encoder: Encoder
    dataset: Dataset
    overrides: tuple[str, ...] = ()
    labels: str | None = None

    @property
    def recipe(self) -> Recipe:
        """What made the checkpoint."""
        return self.encoder.recipe

    @property
    def info(self) -> MethodInfo:
        """The method's description."""
        return self.recipe.info

    @property
    def label_set(self) -> str:
        """Label set of colours and of the probe."""
        if self.labels is not None:
            return self.labels
        sets = self.dataset.store.label_sets
        return PREFERRED if PREFERRED in sets else next(iter(self.dataset.spec.label_sets))

    @property
    def unit(self) -> str:
        """Unit of the method's input."""
        return UNITS[str(self.recipe.config.signal.scaling)]

    def records(self) -> Records:
        """The validation records."""
        rows = np.asarray(self.dataset.rows(SPLIT), np.intp)
        return Records(self.dataset, rows, self.dataset.records.index.to_numpy(dtype=str)[rows])


def recipe_of(
    info: MethodInfo, data: str, profile: str, seed: int, overrides: Sequence[str]
) -> tuple[Recipe, Dataset]:
    """The recipe that ``ecgbench run`` would pre-train by for a task on a data set, and the data set.

    Raises:
        ConfigError: An override that the method does not take.
        DataError: A data set that is not on this machine.
    """
    config = configure([info], profile, overrides, methods.entries())[info.name].config
    dataset = open_dataset(data)
    return Recipe.of(info, config, dataset, seed, open_dataset), dataset


def facts(subject: Subject) -> list[tuple[str, str]]:
    """The recipe in words, as names and values."""
    info, config, made = subject.info, subject.recipe.config, subject.encoder.checkpoint.manifest
    sizes = count_parameters(subject.encoder.method())
    parts = ", ".join(f"{name} {count:,}" for name, count in sizes.by_part.items())
    signal = config.signal
    band = "not filtered" if signal.bandpass is None else "{:g} to {:g} Hz".format(*signal.bandpass)
    return [
        ("Method", f"{info.title} ({info.name}, version {info.version})"),
        ("Overrides", ", ".join(subject.overrides) or "none"),
        ("Profile and seed", f"{config.profile}, seed {subject.recipe.seed}"),
        ("Pre-trained on", _corpus(subject)),
        ("Steps", f"{made['steps']:,} of {config.pretrain.batch_size} records")
        if made["steps"]
        else ("Steps", "0: the weights are those it started with"),
        ("Parameters", f"{sizes.total:,}" + (f" ({parts})" if parts else "")),
        ("Input", f"{signal.seconds:g} s at {signal.rate:g} Hz, {band}, {subject.unit}"),
        ("Checkpoint", str(made["address"])[:16]),
    ]


def _corpus(subject: Subject) -> str:
    made = subject.encoder.checkpoint.manifest
    if not made["datasets"]:
        brought = " + ".join(subject.recipe.declared)
        return f"{brought}, by whoever trained its weights" if brought else "nothing"
    kind = "SIMULATED" if made["simulated"] else "recorded"
    count = f"{made['records']:,} {kind} training records, {made['reports']:,} with a report"
    return f"{' + '.join(made['datasets'])}: {count}"
