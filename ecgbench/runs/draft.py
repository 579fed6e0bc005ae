"""Drafts of cells, made from a recipe and a question.

Comparing a draft with the result on disk tells whether the cell still has to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ecgbench.base.code import code_address
from ecgbench.base.errors import EcgbenchError, ResultError
from ecgbench.config.effective import config_hash, in_a_rows_name, profile_names
from ecgbench.config.settings import as_dict
from ecgbench.data.dataset import Dataset
from ecgbench.evaluation.contamination import check_declared, declared_contamination, seen_records
from ecgbench.evaluation.ground_truth import SplitSpec, Unlabelled
from ecgbench.plugins.specs import MethodInfo
from ecgbench.results.provenance import provenance
from ecgbench.results.schema import (
    CodePart,
    DataPart,
    Draft,
    MethodPart,
    PretrainingPart,
    ProtocolPart,
    Result,
    TaskPart,
)
from ecgbench.results.store import path_of, read_result
from ecgbench.runs.plan import Question
from ecgbench.runs.predict import predictions_code
from ecgbench.training.outside import contents
from ecgbench.training.recipe import Recipe

SCORING = "ecgbench.evaluation.scoring"
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


def draft(
    recipe: Recipe,
    training: Dataset,
    tested: Dataset,
    records: Unlabelled,
    question: Question,
    draw: int,
    overrides: Sequence[str],
) -> Draft:
    """Plan a cell.

    Args:
        recipe: Recipe of the pre-training.
        training: The data set of the training records.
        tested: The data set of the test records.
        records: The test records.
        question: The question.
        draw: Which subset of the training records.
        overrides: The user's overrides that the method uses.
    """
    task, protocol = question.task, question.protocol
    other = task.source
    return Draft(
        profile=str(recipe.config.profile),
        method=method_part(recipe, (*DECIDING, *protocol.sections), overrides),
        task=TaskPart(
            name=task.name,
            version=task.version,
            fingerprint=task.fingerprint(),
            dataset=task.dataset,
            dataset_version=tested.spec.version,
            simulated=tested.simulated,
            label_set=task.labels,
            source=(other.dataset, other.labels) if other else None,
            mapping=task.mapping,
        ),
        protocol=ProtocolPart(
            name=protocol.name,
            version=protocol.version,
            track=protocol.track,
            variant=question.variant,
            fingerprint=protocol.fingerprint(),
            chance=protocol.chance,
            predicts=protocol.predicts,
            only=protocol.only(question.variant),
        ),
        code=CodePart(
            predictions=predictions_code(recipe.info, protocol), scores=code_address(SCORING)
        ),
        seed=recipe.seed,
        draw=draw,
        data=DataPart(
            fingerprint=tested.fingerprint,
            source_fingerprint=training.fingerprint if other else None,
            test_fingerprint=records.fingerprint,
            n_train=0,
            n_val=0,
            n_test=len(records.record_ids),
            n_test_patients=len(set(records.patients.tolist())),
        ),
        pretraining=pretraining_part(recipe, task.dataset, records.record_ids.tolist()),
        provenance=provenance(_command(recipe, question, overrides)),
        config=as_dict(recipe.config),
        overrides=tuple(overrides),
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


def method_part(recipe: Recipe, sections: Sequence[str], overrides: Sequence[str]) -> MethodPart:
    """The method as a result describes it.

    Args:
        recipe: Recipe of the pre-training.
        sections: Sections of the configuration that decide the figures.
        overrides: The user's overrides that the method uses.
    """
    info: MethodInfo = recipe.info
    return MethodPart(
        name=info.name,
        title=info.title,
        version=info.version,
        variant=",".join(sorted(o for o in overrides if in_a_rows_name(o))),
        family=info.family,
        config_hash=config_hash(recipe.config, sections),
        parameters=0,
    )


def pretraining_part(recipe: Recipe, tested: str, test_records: Sequence[str]) -> PretrainingPart:
    """The data that the method has seen: the corpus of this run, and that of its own weights.

    Args:
        recipe: Recipe of the pre-training.
        tested: Data set of the question.
        test_records: Ids of its test records.

    Raises:
        ConfigError: Weights from outside are said to have seen a data set that no list has.
    """
    declared = recipe.declared
    check_declared(declared)
    trained = recipe.seen if recipe.trains else ()
    seen = seen_records(
        [(d.spec.name, partial(_trained_ids, d)) for d in trained], tested, test_records
    )
    return PretrainingPart(
        datasets=(*declared, *(dataset.spec.name for dataset in trained)),
        declared=declared,
        steps=int(recipe.config.pretrain.steps),
        simulated=any(dataset.simulated for dataset in trained),
        sources=_sources(recipe),
        contaminated=declared_contamination(declared, tested) or seen,
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
