"""`ecgbench leaderboard`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgbench.base.errors import ResultError

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
    from ecgbench.base.inert import plain
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
        typer.echo(plain(problem), err=True)
    if problems:
        raise typer.Exit(1)


@app.command("verify")
def verify_command(
    folder: Folder = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Folder with PTB-XL's two CSV files, in place of prepared data; one that is not there "
            "is made and gets them (metadata alone)."
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option(help="Draw every resample again, not the first ones.")
    ] = False,
    only: Annotated[
        list[Path] | None, typer.Option(help="Score only this result again; repeatable.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
) -> None:
    """Compute every figure again from predictions and labels, and check all that is claimed."""
    from ecgbench.base.inert import plain
    from ecgbench.evaluation.label_sources import labels_from
    from ecgbench.leaderboard.verify import verify

    boards, reader, problems = versions(folder), labels_from(labels), 0
    for version in boards:
        report = verify(version, reader, full=full, only=only or (), jobs=jobs)
        for problem in report.problems:
            typer.echo(plain(str(problem)), err=True)
        problems += len(report.problems) + len(report.unscored)
        for dataset, reason in report.unscored.items():
            typer.echo(
                f"Not scored again: the cells on {plain(dataset)}. {plain(reason)}", err=True
            )
        typer.echo(
            f"{version}: {report.cells} cells, {report.scored} scored again, "
            f"{len(report.problems)} problems"
        )
    if problems:
        raise typer.Exit(1)


@app.command("diff")
def diff_command(
    old: Annotated[Path, typer.Argument(help="Folder of a version.")],
    new: Annotated[Path, typer.Argument(help="Folder of another.")],
) -> None:
    """Say which cells and rows differ, as Markdown."""
    from ecgbench.leaderboard.diff import diff
    from ecgbench.leaderboard.formats import to_markdown

    typer.echo("\n".join(to_markdown(sheet) for sheet in diff(old, new)))


@app.command("export")
def export_command(
    folder: Folder = None,
    format: Annotated[str, typer.Option(help="csv, md or latex.")] = "md",
    only: Annotated[str, typer.Option(help="TASK/PROTOCOL@VARIANT; patterns work.")] = "*",
) -> None:
    """Print tables for a paper or a page."""
    from ecgbench.base.errors import did_you_mean
    from ecgbench.leaderboard.build import load
    from ecgbench.leaderboard.formats import WRITERS
    from ecgbench.leaderboard.sheets import brief_sheet, full_sheet, short_sheet
    from ecgbench.leaderboard.show import tables_of

    writer = next((write for name, write in WRITERS.items() if name == format), None)
    if writer is None:
        raise ResultError(f"Unknown format {format!r}.", did_you_mean(format, WRITERS))
    sheet_of = {"csv": full_sheet, "latex": brief_sheet}.get(format, short_sheet)
    for version in versions(folder):
        results = [result for _, result in load(version)]
        for table in tables_of(results, only):
            typer.echo(writer(sheet_of(table)))


@app.command("page")
def page_command(
    folder: Folder = None,
    out: Annotated[
        Path | None, typer.Option(help="The HTML file; default: page.html of each version.")
    ] = None,
    ecgs: Annotated[
        str, typer.Option(help="Whose ECGs to draw: none, simulated or all (recorded ones too).")
    ] = "simulated",
) -> None:
    """Write one self-contained HTML page to look at."""
    from ecgbench.leaderboard.page.render import write_page

    if ecgs not in ("none", "simulated", "all"):
        raise ResultError(f"--ecgs cannot be {ecgs!r}.", "Say none, simulated or all.")
    for version in versions(folder):
        target = out or version / "page.html"
        write_page(version, target, with_examples=ecgs)
        typer.echo(target)


@app.command("carry")
def carry_command(
    folder: Annotated[
        Path, typer.Argument(help="A version of a leaderboard, or a folder of results.")
    ],
    seed: Annotated[
        int | None, typer.Option(min=0, help="Random seed of the sample; default: a new one.")
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder for the sample's results; default: in the cache.")
    ] = None,
) -> None:
    """Carry results over to changed code where a sample comes out with the same predictions."""
    import secrets

    from ecgbench.base.hashing import content_hash
    from ecgbench.base.inert import plain
    from ecgbench.base.paths import stage_dir
    from ecgbench.runs.carry import carry, stale_results

    results = folder / "results" if (folder / "results").is_dir() else folder
    drawn = secrets.randbelow(2**31) if seed is None else seed
    place = work or stage_dir("carry") / content_hash(str(results.resolve()))[:16]
    typer.echo(f"seed {drawn}")
    stale, left = stale_results(results, place)
    for verdict in carry(results, stale, drawn):
        word = "carried" if verdict.problem is None else "left   "
        why = f" ({verdict.problem})" if verdict.problem else ""
        typer.echo(plain(f"{word} {len(verdict.cells)} cells by {verdict.sample}{why}", 2000))
        if verdict.problem:
            left |= dict.fromkeys(verdict.cells, f"{verdict.sample}: {verdict.problem}")
    for key, reason in sorted(left.items()):
        typer.echo(plain(f"to run again: {key}: {reason}", 2000))
    typer.echo(f"{len(stale)} cells of other code, {len(left)} to run again")
