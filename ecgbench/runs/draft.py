"""Drafts of cells, made from a recipe and a question.

Comparing a draft with the result on disk tells whether the cell still has to run.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ecgbench.base.code import code_address
from ecgbench.base.errors import EcgbenchError, ResultError
from ecgbench.config.effective import config_hash, in_a_rows_name, profile_names
from ecgbench.config.settings import as_dict
from ecgbench.data.dataset import Dataset
from ecgbench.evaluation.contamination import check_declared, declared_contamination, seen_records
from ecgbench.evaluation.ground_truth import SplitSpec, Unlabelled
from ecgbench.plugins.specs import ProtocolSpec
from ecgbench.results.parts import (
    CodePart,
    DataPart,
    MethodPart,
    PretrainingPart,
    ProtocolPart,
    TaskPart,
)
from ecgbench.results.provenance import provenance
from ecgbench.results.schema import Draft, Result
from ecgbench.results.store import path_of, read_result
from ecgbench.runs.plan import Question
from ecgbench.runs.predict import predictions_code
from ecgbench.training.outside import contents
from ecgbench.training.recipe import Recipe

SCORING = "ecgbench.evaluation.scoring"
T = TypeVar("T")

DECIDING = ("signal", "model", "pretrain")


def split_of_question(question: Question) -> SplitSpec:
    """The test records of a question."""
    task, protocol = question.task, question.protocol
    return SplitSpec.of(
        task.dataset,
        task.labels,
        task.mapping,
        protocol.only(question.variant),
        protocol.predicts,
    )


@dataclass
class Drafter:
    """Plans the cells of one method, seed and training data set.

    A plan of 10,000 cells asks the same again and again, so each part of a draft is made once for all
    cells that share it.

    Attributes:
        recipe: Recipe of the pre-training.
        training_data: Data set whose labels are trained on.
        overrides: The user's overrides that the method uses.
    """

    recipe: Recipe
    training_data: Dataset
    overrides: Sequence[str]
    _kept: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def draft(self, tested: Dataset, records: Unlabelled, question: Question, draw: int) -> Draft:
        """Plan a cell.

        Args:
            tested: Data set of the test records.
            records: The test records.
            question: The question.
            draw: Number of the training subset.
        """
        protocol = question.protocol
        split = split_of_question(question)
        return Draft(
            profile=str(self.recipe.config.profile),
            method=self._once(("method", protocol.sections), lambda: self._method(protocol)),
            task=self._once(("task", question.task.name, split), lambda: _task(question, tested)),
            protocol=self._once(("protocol", question.name, split), lambda: _protocol(question)),
            code=self._once(("code", protocol.name), lambda: self._code(protocol)),
            seed=self.recipe.seed,
            draw=draw,
            data=self._once(
                ("data", question.task.source is None, split),
                lambda: self._data(question, tested, records),
            ),
            pretraining=self._once(
                ("pretraining", split), lambda: self._pretraining(question, records)
            ),
            provenance=provenance(_command(self.recipe, question, self.overrides)),
            config=self._once("config", lambda: as_dict(self.recipe.config)),
            overrides=tuple(self.overrides),
        )

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found

    def _method(self, protocol: ProtocolSpec) -> MethodPart:
        info = self.recipe.info
        return MethodPart(
            name=info.name,
            title=info.title,
            version=info.version,
            variant=",".join(sorted(o for o in self.overrides if in_a_rows_name(o))),
            family=info.family,
            config_hash=config_hash(self.recipe.config, (*DECIDING, *protocol.sections)),
            parameters=0,
        )

    def _code(self, protocol: ProtocolSpec) -> CodePart:
        return CodePart(
            predictions=predictions_code(self.recipe.info, protocol), scores=code_address(SCORING)
        )

    def _data(self, question: Question, tested: Dataset, records: Unlabelled) -> DataPart:
        elsewhere = question.task.source is not None
        return DataPart(
            fingerprint=tested.fingerprint,
            source_fingerprint=self.training_data.fingerprint if elsewhere else None,
            test_fingerprint=records.fingerprint,
            n_train=0,
            n_val=0,
            n_test=len(records.record_ids),
            n_test_patients=len(set(records.patients.tolist())),
        )

    def _pretraining(self, question: Question, records: Unlabelled) -> PretrainingPart:
        """What the method has seen: the corpus of this run, and what weights from outside had seen.

        Raises:
            ConfigError: Weights from outside are said to have seen a data set that no list has.
        """
        recipe, tested = self.recipe, question.task.dataset
        declared = recipe.declared
        check_declared(declared)
        trained = recipe.seen if recipe.trains else ()
        seen = seen_records(
            [(d.spec.name, partial(self._trained_ids, d)) for d in trained],
            tested,
            records.record_ids.tolist(),
        )
        return PretrainingPart(
            datasets=(*declared, *(dataset.spec.name for dataset in trained)),
            declared=declared,
            steps=int(recipe.config.pretrain.steps),
            simulated=any(dataset.simulated for dataset in trained),
            sources=self._once("sources", lambda: _sources(recipe)),
            contaminated=declared_contamination(declared, tested) or seen,
        )

    def _trained_ids(self, dataset: Dataset) -> list[str]:
        return self._once(("trained", dataset.fingerprint), lambda: _trained_ids(dataset))


def _task(question: Question, tested: Dataset) -> TaskPart:
    task, elsewhere = question.task, question.task.source
    return TaskPart(
        name=task.name,
        version=task.version,
        fingerprint=task.fingerprint(),
        dataset=task.dataset,
        dataset_version=tested.spec.version,
        simulated=tested.simulated,
        label_set=task.labels,
        source=(elsewhere.dataset, elsewhere.labels) if elsewhere else None,
        mapping=task.mapping,
    )


def _protocol(question: Question) -> ProtocolPart:
    protocol = question.protocol
    return ProtocolPart(
        name=protocol.name,
        version=protocol.version,
        track=protocol.track,
        variant=question.variant,
        fingerprint=protocol.fingerprint(),
        chance=protocol.chance,
        predicts=protocol.predicts,
        only=protocol.only(question.variant),
    )


def _command(recipe: Recipe, question: Question, overrides: Sequence[str]) -> tuple[str, ...]:
    """The command that runs the cell again; a profile of the user's own is named without its folder."""
    profile = str(recipe.config.profile)
    return (
        "run",
        f"--methods={recipe.info.name}",
        f"--tasks={question.name}",
        f"--seeds={recipe.seed + 1}",
        f"--profile={profile if profile in profile_names() else f'{profile}.yaml'}",
        *overrides,
    )


def _sources(recipe: Recipe) -> dict[str, str] | None:
    """The external weights by hash; None if they are not available, which fails the cells."""
    try:
        return contents(as_dict(recipe.config)["model"])
    except EcgbenchError:
        return None


def _trained_ids(dataset: Dataset) -> list[str]:
    """Records that pre-training looks at: of the training and the validation split."""
    looked_at = dataset.records["split"].isin(["train", "val"])
    return [str(record) for record in dataset.records.index[looked_at]]


def finished(folder: Path, wanted: Draft) -> Result | None:
    """The result on disk that answers a draft; None where the cell has to run, or to be scored again."""
    found = on_disk(folder, wanted)
    return found if found is not None and wanted.answered_by(found) else None


def on_disk(folder: Path, wanted: Draft) -> Result | None:
    """The readable result at the place of a cell, whatever made it."""
    path = path_of(folder, wanted)
    if not path.is_file():
        return None
    try:
        return read_result(path)
    except ResultError:
        return None
