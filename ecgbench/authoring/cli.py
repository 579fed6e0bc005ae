"""`ecgbench new` and `ecgbench check`: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

new_app = typer.Typer(help="Write a first method or task that works.", no_args_is_help=True)

Into = Annotated[Path, typer.Option(help="Folder that gets it.")]


@new_app.command("method")
def new_method_command(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and _.")],
    into: Into = Path(),
    package: Annotated[
        bool, typer.Option("--package", help="An installable package with an entry point.")
    ] = False,
) -> None:
    """Write a method: card, configuration, some lines of model, tests that pass."""
    from ecgbench.authoring.scaffold import new_method

    for path in new_method(name, into, package=package):
        typer.echo(path)
    target = into / name
    if package:
        typer.echo(f"Next: pip install -e {target} && ecgbench check {name}")
    else:
        typer.echo(f"Next: ecgbench check {name} --methods-path {target}")


@new_app.command("task")
def new_task_command(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and -.")],
    dataset: Annotated[str, typer.Option(help="Name of the data set.")],
    labels: Annotated[str, typer.Option(help="One of its label sets.")],
    into: Into = Path(),
) -> None:
    """Write a task: a label set of a data set, put with the linear probe."""
    from ecgbench.authoring.scaffold import new_task

    for path in new_task(name, into, dataset=dataset, labels=labels):
        typer.echo(path)
    typer.echo(f"Next: ECGBENCH_TASKS_PATH={into} ecgbench run --methods all --tasks {name}")


def check(
    name: Annotated[str, typer.Argument(help="Name of a method.")],
    methods_path: Annotated[
        list[Path] | None, typer.Option(help="Folder with methods of your own.")
    ] = None,
    only: Annotated[str, typer.Option(help="Pattern of the laws, e.g. '*gradient*'.")] = "*",
) -> None:
    """Hold a method against the laws that every method keeps."""
    from ecgbench.authoring.check import check_method
    from ecgbench.leaderboard.inert import plain
    from ecgbench.plugins import methods

    for folder in methods_path or []:
        methods.add_path(folder)
    broken = 0
    for finding in check_method(name, only):
        broken += finding.outcome == "broken"
        reason = f": {plain(finding.reason)}" if finding.reason else ""
        colour = {"kept": "green", "broken": "red"}.get(finding.outcome)
        typer.secho(f"{finding.outcome:<14} {finding.law}{reason}", fg=colour)
    typer.echo(f"{name}: {broken} broken" if broken else f"{name} keeps every law that applies.")
    if broken:
        raise typer.Exit(1)
