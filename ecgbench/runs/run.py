"""`ecgbench run`: plan, run what is missing, report."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ecgbench.base.errors import DataError
from ecgbench.config.effective import Configured, configure
from ecgbench.data.opening import open_dataset
from ecgbench.data.withheld import without_test_labels
from ecgbench.evaluation.label_sources import prepared
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.specs import MethodInfo
from ecgbench.results.schema import Draft, Result
from ecgbench.results.store import path_of, read_result
from ecgbench.runs.execute import Session, asked
from ecgbench.runs.isolated import run_isolated
from ecgbench.runs.plan import Group, Question, groups
from ecgbench.training.recipe import Recipe


@dataclass(frozen=True)
class Request:
    """The request of a command.

    Attributes:
        methods: Methods to compare.
        questions: Questions to evaluate them on.
        seeds: Number of seeds.
        profile: Name or path of a profile.
        out: Folder of results.
        overrides: ``key=value``.
    """

    methods: Sequence[MethodInfo]
    questions: Sequence[Question]
    seeds: int
    profile: str
    out: Path
    overrides: Sequence[str] = ()


@dataclass(frozen=True)
class Planned:
    """A group with the cells that still have to run."""

    group: Group
    session: Session
    missing: list[tuple[Question, Draft]]


@dataclass(frozen=True)
class Plan:
    """The cells of a request, in groups.

    Attributes:
        planned: Groups in the order in which they run.
        absent: Requested data sets and tasks that are not on this machine, with the reason.
        configured: Configurations by method, with the overrides that each leaves out.
    """

    planned: list[Planned]
    absent: dict[str, DataError]
    configured: dict[str, Configured] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        """Number of cells on the data sets of this machine."""
        return sum(len(item.group.cells) for item in self.planned)

    @property
    def missing(self) -> int:
        """Number of cells that have to run."""
        return sum(len(item.missing) for item in self.planned)

    def results(self) -> list[Result]:
        """The results of the plan's cells that are on disk."""
        found = []
        for item in self.planned:
            for _, wanted in item.session.drafts(item.group.cells):
                path = path_of(item.session.out, wanted)
                if path.is_file():
                    found.append(read_result(path))
        return found


def make_plan(request: Request) -> Plan:
    """Open the data sets and find the cells that have to run.

    Raises:
        DataError: None of the data sets is on this machine.
        ConfigError: An override that no method takes, or that a method named in it does not take.
    """
    configured = configure(request.methods, request.profile, request.overrides, methods.entries())
    absent: dict[str, DataError] = {}
    open_once = functools.cache(lambda name: without_test_labels(open_dataset(name)))
    tested = asked(prepared)

    def tested_here(question: Question) -> bool:
        try:
            tested(question)
        except DataError as error:
            absent[question.task.name] = error
            return False
        return True

    planned = []
    for group in groups(request.methods, request.questions, range(request.seeds)):
        mine = configured[group.info.name]
        try:
            dataset = open_once(group.dataset)
            recipe = Recipe.of(group.info, mine.config, dataset, group.seed, open_once)
        except DataError as error:
            absent[group.dataset] = error
            continue
        here = replace(group, questions=tuple(q for q in group.questions if tested_here(q)))
        if not here.questions:
            continue
        session = Session(recipe, dataset, open_once, tested, request.out, mine.overrides)
        planned.append(Planned(here, session, session.missing(here.cells)))
    if not planned and absent:
        raise next(iter(absent.values()))
    return Plan(planned, absent, configured)


def carry_out(
    plan: Plan,
    on_group: Callable[[Planned], None] = lambda item: None,
    on_result: Callable[[Result], None] = lambda result: None,
    isolate: bool = False,
) -> None:
    """Run every missing cell.

    Args:
        plan: From :func:`make_plan`.
        on_group: Called before a group starts.
        on_result: Called after each cell.
        isolate: Predict in processes whose home holds no test label; see ``runs/isolated.py``.

    Raises:
        ConfigError: The requested device or precision is not available.
        StorageError: A disk is full or cannot be written to; what is done stays done.
    """
    planned = [item for item in plan.planned if item.missing]
    for item in planned:
        item.session.check()
    for item in planned:
        on_group(item)
        missing = item.missing
        results = run_isolated(item.session, missing) if isolate else item.session.run(missing)
        for result in results:
            on_result(result)
