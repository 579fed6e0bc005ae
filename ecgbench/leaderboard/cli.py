"""`ecgbench leaderboard`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgbench.errors import ResultError

app = typer.Typer(help="Build, check and show leaderboards.", no_args_is_help=True)

BOARDS = Path("leaderboards")
Folder = Annotated[
    Path | None,
    typer.Argument(help="Folder of one version; default: every version in ./leaderboards."),
]


def versions(folder: Path | None) -> list[Path]:
    """The folders of versions that a command means.

    Raises:
        ResultError: There are none.
    """
    if folder is not None:
        if not (folder / "results").is_dir():
            raise ResultError(
                f"{folder} is no version of a leaderboard: it has no folder 'results'.",
                "Name a folder like leaderboards/VERSION.",
            )
        return [folder]
    found = sorted(path.parent for path in BOARDS.glob("*/results") if path.is_dir())
    if not found:
        raise ResultError(
            "There is no leaderboard in ./leaderboards.",
            "Name a folder, or change to the folder of the project.",
        )
    return found


@app.command("build")
def build_command(
    folder: Folder = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where a file differs.")
    ] = False,
) -> None:
    """Make the tables of a leaderboard from its results."""
    from ecgbench.leaderboard import build

    problems = []
    for version in versions(folder):
        if check:
            found = build.check(version)
            problems += found
            typer.echo(f"{version}: {'differs' if found else 'as its results make it'}")
        else:
            build.build(version)
            typer.echo(f"{version}: built")
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
