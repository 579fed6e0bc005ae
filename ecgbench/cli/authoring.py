"""`ecgbench new` and `ecgbench check`: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgbench.cli.options import MethodsPath, Overrides

new = typer.Typer(help="Write a first method, task or data set that works.", no_args_is_help=True)

Into = Annotated[Path, typer.Option(help="Folder that gets it.")]


@new.command("method")
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


@new.command("task")
def new_task_command(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and -.")],
    dataset: Annotated[str, typer.Option(help="Name of the data set.")],
    labels: Annotated[str, typer.Option(help="One of its label sets.")],
    into: Into = Path(),
) -> None:
    """Write a task: a label set of a data set, evaluated with the linear probe."""
    from ecgbench.authoring.scaffold import new_task

    for path in new_task(name, into, dataset=dataset, labels=labels):
        typer.echo(path)
    typer.echo(f"Next: ECGBENCH_TASKS_PATH={into} ecgbench run --methods all --tasks {name}")


@new.command("dataset")
def new_dataset_command(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and -.")],
    into: Into = Path(),
) -> None:
    """Write a data set of your own: a YAML file and a table of records to fill."""
    from ecgbench.authoring.scaffold import new_dataset

    for path in new_dataset(name, into):
        typer.echo(path)
    typer.echo(f"Next: fill records.csv; {into / name / 'README.md'} says how to go on.")


def check(
    name: Annotated[str, typer.Argument(help="Name of a method.")],
    methods_path: MethodsPath = None,
    only: Annotated[str, typer.Option(help="Pattern of the laws, e.g. '*gradient*'.")] = "*",
    against_weights: Annotated[
        bool,
        typer.Option(
            "--against-weights",
            help="Read the published file and record, or compare, its features.",
        ),
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Hold a method against the laws that every method keeps."""
    if against_weights:
        _check_weights(name, overrides or [])
        return
    from ecgbench.authoring.check import check_method
    from ecgbench.base.inert import plain

    broken = 0
    for finding in check_method(name, only):
        broken += finding.outcome == "broken"
        reason = f": {plain(finding.reason)}" if finding.reason else ""
        colour = {"kept": "green", "broken": "red"}.get(finding.outcome)
        typer.secho(f"{finding.outcome:<14} {finding.law}{reason}", fg=colour)
    typer.echo(f"{name}: {broken} broken" if broken else f"{name} keeps every law that applies.")
    if broken:
        raise typer.Exit(1)


def _check_weights(name: str, overrides: list[str]) -> None:
    """Hold the published file of a preset against its layout and its recorded features."""
    from ecgbench.published.verified import FILE
    from ecgbench.published.verified import against_weights as run

    against = run(name, overrides)
    typer.echo(against.loaded)
    if against.known is None:
        typer.echo(
            f"{name}: features recorded in {FILE}, beside its card. Its rows are verified weights."
        )
    elif against.agrees:
        typer.secho(f"{name}: the features are those that are recorded.", fg="green")
    else:
        typer.secho(f"{name}: the features differ from those that are recorded.", fg="red")
        raise typer.Exit(1)


def submit(
    folder: Annotated[Path, typer.Argument(help="Folder of results, as `run --out` writes it.")],
    board: Annotated[Path, typer.Option(help="The version of the leaderboard, leaderboards/NAME.")],
    labels: Annotated[
        Path | None,
        typer.Option(help="Folder with PTB-XL's two CSV files, as for `leaderboard verify`."),
    ] = None,
    methods_path: MethodsPath = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
) -> None:
    """Check results for the leaderboard and write what a pull request needs."""
    from ecgbench.authoring.submit import examine
    from ecgbench.authoring.submit import submit as run
    from ecgbench.base.inert import plain
    from ecgbench.evaluation.label_sources import labels_from

    examined = examine(folder, board, labels_from(labels), jobs)
    for line in examined.passed:
        typer.secho(f"well     {line}", fg="green")
    for line in examined.problems:
        typer.secho(f"problem  {plain(line)}", fg="red", err=True)
    note = run(folder, board, examined)
    typer.echo(f"{board} holds your results. Commit it, and open a pull request with {note}.")


def reproduce(
    cell: Annotated[str, typer.Argument(help="Key or file of a result.")],
    board: Annotated[Path, typer.Option(help="The version of the leaderboard, leaderboards/NAME.")],
    out: Annotated[Path, typer.Option(help="Folder for what is made again.")] = Path("reproduced"),
    sign_as: Annotated[
        str | None, typer.Option(help="Your name: marks the cell as verified where it agrees.")
    ] = None,
    isolate: Annotated[
        bool, typer.Option(help="Predict in a process whose home holds no test label.")
    ] = True,
) -> None:
    """Run a cell of the leaderboard again, from nothing, and judge the difference."""
    from ecgbench.runs.reproduce import find_cell, sign, verdicts
    from ecgbench.runs.reproduce import reproduce as run

    results = board / "results"
    result, siblings = find_cell(results, cell)
    again = run(result, out, isolate=isolate)
    found = verdicts(result, siblings, again)
    for verdict in found:
        word = "agrees" if verdict.agrees else "DIFFERS"
        typer.echo(
            f"{word:<8} {verdict.metric}: recorded {verdict.recorded:.4f}, again "
            f"{verdict.again:.4f} (allowed: {verdict.allowed:.4f})"
        )
    if not all(verdict.agrees for verdict in found):
        raise typer.Exit(1)
    if sign_as is not None:
        typer.echo(f"verified: {sign(results, result, again, found, sign_as)}")
