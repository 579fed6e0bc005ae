"""The cells that a command selects, in the order in which they are cheapest.

A cell is method x task x protocol x variant x seed x draw. This module does not import torch, so that a
plan is shown quickly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ecgbench.base.errors import EcgbenchError, PluginError, UnknownNameError, did_you_mean
from ecgbench.data.spec import datasets
from ecgbench.plugins.catalogue import methods, protocols, tasks
from ecgbench.plugins.specs import MethodInfo, ProtocolSpec, TaskSpec


@dataclass(frozen=True)
class Question:
    """A task with a protocol and its variant; what ``TASK/PROTOCOL@VARIANT`` names."""

    task: TaskSpec
    protocol: ProtocolSpec
    variant: str

    @property
    def name(self) -> str:
        """``TASK/PROTOCOL@VARIANT``."""
        return f"{self.task.name}/{self.protocol.name}@{self.variant}"


@dataclass(frozen=True)
class Group:
    """Cells that share one pre-training: a method, a data set that is trained on, a seed."""

    info: MethodInfo
    dataset: str
    seed: int
    questions: tuple[Question, ...]

    @property
    def cells(self) -> list[tuple[Question, int]]:
        """Questions with their draws; a method that takes no part has one draw, which gives the reason."""
        found = []
        for question in self.questions:
            declined = question.protocol.declines(self.info) is not None
            draws = 1 if declined else question.protocol.draws(question.variant)
            found += [(question, draw) for draw in range(draws)]
        return found


def questions(
    patterns: Sequence[str], dataset: str | None = None, leave_out: Sequence[str] = ()
) -> list[Question]:
    """The questions that match some patterns.

    Args:
        patterns: Each the name of a task (every protocol on it), of a protocol (on every task), or
            ``TASK/PROTOCOL@VARIANT``; shell patterns in each; ``all``. ``TASK/PROTOCOL`` in full also
            means a protocol that the task does not list, e.g. one that needs more than most machines have.
        dataset: Only tasks of this data set.
        leave_out: Protocols that neither the name of a task nor ``all`` selects.

    Raises:
        UnknownNameError: A pattern matches nothing, or there is no such data set; names the nearest.
    """
    everything: list[Question] = []
    broken: dict[str, EcgbenchError] = {}
    for name in tasks.entries():
        try:
            task = _on_known_data(tasks.get(name))
            everything += [q for listed in task.protocols for q in _listed(task, listed)]
        except EcgbenchError as error:  # matters only if this task is selected
            broken[name] = error
    if dataset is not None:
        datasets.get(dataset)  # raises where there is none
        everything = [question for question in everything if question.task.dataset == dataset]
    chosen: dict[str, Question] = {}
    for pattern in patterns:
        matching = [q for q in everything if _means(pattern, q, leave_out)]
        matching = matching or _unlisted(pattern, dataset)
        if not matching:
            for name, reason in broken.items():
                if fnmatchcase(name, pattern.partition("/")[0]):
                    raise reason
            known = {q.task.name for q in everything} | {q.protocol.name for q in everything}
            known |= {q.name for q in everything}
            where = f" of data set {dataset!r}" if dataset else ""
            raise UnknownNameError(
                f"No task{where} is named {pattern!r}.",
                did_you_mean(pattern, known) + " See `ecgbench list tasks`.",
            )
        chosen |= {question.name: question for question in matching}
    return list(chosen.values())


def chosen_methods(names: Sequence[str]) -> list[MethodInfo]:
    """The methods of some names; ``all`` selects every method that needs no settings.

    Raises:
        UnknownNameError: A name that no method has.
        PluginError: A method selected by name is broken.
    """
    chosen: dict[str, MethodInfo] = {}
    for name in names:
        matching = methods.names() if name == "all" else [name]
        found = {one: methods.get(one) for one in matching}
        chosen |= {one: info for one, info in found.items() if name != "all" or not info.on_request}
    return list(chosen.values())


def groups(
    infos: Sequence[MethodInfo], asked: Sequence[Question], seeds: Sequence[int]
) -> list[Group]:
    """Order the cells so that one pre-training serves all its questions, seed by seed.

    Every method runs its first seed before any runs a second, so that a run that is stopped early has
    compared all methods. Questions that a method takes no part in are recorded with its first seed.
    """
    names = dict.fromkeys(question.task.trained_on.dataset for question in asked)
    first = min(seeds, default=0)
    planned = [
        Group(
            info,
            name,
            seed,
            tuple(
                question
                for question in asked
                if question.task.trained_on.dataset == name
                and (seed == first or question.protocol.declines(info) is None)
            ),
        )
        for name in names
        for seed in seeds
        for info in infos
    ]
    return [group for group in planned if group.questions]


def _unlisted(pattern: str, dataset: str | None) -> list[Question]:
    """The questions of a full ``TASK/PROTOCOL`` or ``TASK/PROTOCOL@VARIANT``, listed by the task or not."""
    name, slash, wanted = pattern.partition("/")
    protocol, at, variant = wanted.partition("@")
    if not slash or name not in tasks.names() or protocol not in protocols.names():
        return []
    if at and variant not in protocols.get(protocol).variants:
        return []
    task = _on_known_data(tasks.get(name))
    return _listed(task, wanted) if dataset in (None, task.dataset) else []


def _on_known_data(task: TaskSpec) -> TaskSpec:
    """The task, whose data sets are in the catalogue.

    Raises:
        PluginError: One is not, or its entry is broken.
    """
    for name in {task.dataset, task.trained_on.dataset}:
        try:
            datasets.get(name)
        except EcgbenchError as error:
            raise PluginError(
                f"The task {task.name!r} needs the data set {name!r}: {error.message}", error.hint
            ) from error
    return task


def _listed(task: TaskSpec, listed: str) -> list[Question]:
    """The questions of an entry of a task's ``protocols``: a protocol, or one variant of it.

    Raises:
        UnknownNameError: There is no such protocol.
        PluginError: It has no such variant.
    """
    name, at, variant = listed.partition("@")
    protocol = protocols.get(name)
    if at and variant not in protocol.variants:
        raise PluginError(
            f"The task {task.name} lists {listed!r}, and {name} has no such variant.",
            did_you_mean(variant, protocol.variants),
        )
    return [
        Question(task.under(protocol.of(one)), protocol, one)
        for one in protocol.variants
        if not at or one == variant
    ]


def _means(pattern: str, question: Question, leave_out: Sequence[str]) -> bool:
    whole = question.protocol.name not in leave_out
    if pattern == "all" or fnmatchcase(question.task.name, pattern):
        return whole
    names = (
        question.protocol.name,
        f"{question.protocol.name}@{question.variant}",
        f"{question.task.name}/{question.protocol.name}",
        question.name,
    )
    return any(fnmatchcase(name, pattern) for name in names)
