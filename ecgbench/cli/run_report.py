"""The output of `ecgbench run`: the plan before the run, the figures after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import typer

from ecgbench.base.errors import EcgbenchError
from ecgbench.config.effective import left_out_lines
from ecgbench.results.schema import Result
from ecgbench.runs.estimate import pretraining_seconds
from ecgbench.runs.plan import Question
from ecgbench.runs.run import Plan, Planned, Request
from ecgbench.training.recipe import find


def show_plan(request: Request, plan: Plan, with_costs: bool) -> None:
    """Print the cells that will run, the finished ones, and those that cannot run."""
    for name, error in plan.absent.items():
        typer.echo(f"Left out, {name}: {error.message} {error.hint or ''}", err=True)
    typer.echo(
        f"{len(request.methods)} methods x {len(request.questions)} questions, {request.seeds} "
        f"seed(s): {plan.cells} cells, {plan.missing} to run; results go to {request.out}",
        err=True,
    )
    for line in left_out_lines(plan.configured):
        typer.echo(line, err=True)
    if with_costs:
        typer.echo(_plan_table(plan.planned))


def show_broken(methods_asked: Sequence[str], patterns: Sequence[str]) -> None:
    """Print the plug-ins that `all` leaves out because they are broken, with the fault of each."""
    from ecgbench.plugins.catalogue import methods, tasks

    for registry, wanted in ((methods, methods_asked), (tasks, patterns)):
        for name, entry in registry.entries().items():
            if entry.problem is not None and "all" in wanted:
                typer.echo(
                    f"Left out, the {registry.kind} {name} is broken: {entry.problem}", err=True
                )


def show_left_out(profile: str, meant: Sequence[Question], asked: Sequence[Question]) -> None:
    """Print the questions that a profile leaves out of a command."""
    gone = [question for question in meant if question not in asked]
    if gone:
        names = dict.fromkeys(question.protocol.name for question in gone)
        typer.echo(
            f"Profile {profile} leaves out {', '.join(names)}; ask for one by its name, "
            f"e.g. --tasks {gone[0].task.name}/{gone[0].protocol.name}",
            err=True,
        )


def _plan_table(planned: Iterable[Planned]) -> str:
    from tabulate import tabulate

    rows = [
        (
            item.group.info.name,
            item.group.dataset,
            item.group.seed,
            "+".join(d.spec.name for d in item.session.recipe.seen)
            if item.session.recipe.trains
            else "-",
            len(item.group.cells),
            len(item.missing),
            _cost(item) if item.missing else "nothing to do",
        )
        for item in planned
    ]
    headers = ("method", "data set", "seed", "pre-trained on", "cells", "to run", "pre-training")
    return str(tabulate(rows, headers=headers, tablefmt="simple"))


def _cost(item: Planned) -> str:
    recipe = item.session.recipe
    if not recipe.trains:
        return "none"
    try:
        if find(recipe) is not None:
            return "done before"
    except EcgbenchError:  # external weights are not available; the cells will say so
        return "cannot be read"
    seconds = pretraining_seconds(recipe)
    if seconds is None:
        return f"{recipe.config.pretrain.steps} steps (never timed here)"
    return f"about {seconds / 60:.0f} min"


def show_results(results: list[Result], out: Path, tables: bool) -> None:
    """Print the summary of some results, or all their tables."""
    import shutil

    from ecgbench.leaderboard.headline import headline
    from ecgbench.leaderboard.show import show

    if tables:
        typer.echo(show(results))
        return
    typer.echo(headline(results, shutil.get_terminal_size((80, 24)).columns))
    typer.echo(f"Results: {out}. All tables: ecgbench show --out {out}")
