"""The command line: parses, calls, prints. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgbench._version import __version__
from ecgbench.base.errors import EcgbenchError
from ecgbench.base.inert import plain
from ecgbench.cli import authoring
from ecgbench.cli.ablations import ablate
from ecgbench.cli.bench import bench
from ecgbench.cli.data import app as data_app
from ecgbench.cli.inspection import explain, inspect, view
from ecgbench.cli.leaderboard import app as leaderboard_app
from ecgbench.cli.options import DryRun, MethodsPath, Overrides, Profile, Seeds, Tasks, names_in

if TYPE_CHECKING:
    from ecgbench.results.schema import Result
    from ecgbench.runs.run import Planned

LONGEST = 2000  # characters of a message

app = typer.Typer(
    name="ecgbench",
    help="Benchmark and evaluate ECG representation learning: methods x tasks -> leaderboards.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data_app, name="data", help="Get, prepare and check data sets.")
app.add_typer(leaderboard_app, name="leaderboard", help="Build, check and show leaderboards.")
app.add_typer(authoring.new, name="new", help="Start a method or a task of your own.")
app.command()(authoring.check)
app.command()(authoring.submit)
app.command()(authoring.reproduce)
app.command()(inspect)
app.command()(view)
app.command()(explain)
app.command()(ablate)
app.command()(bench)


def main() -> None:
    """Run the command line; an error of the user's is one line, and Ctrl-C another."""
    try:
        app()
    except EcgbenchError as error:
        _fail(error.message, error.hint)
    except (KeyboardInterrupt, SystemExit) as end:
        if not _by_ctrl_c(end):
            raise
        typer.secho("Stopped. Run the same command again: it goes on where it was.", err=True)
        sys.exit(130)


def _by_ctrl_c(end: BaseException | None) -> bool:
    """Typer and Lightning both turn a Ctrl-C into an exit of their own, without a word."""
    while end is not None and not isinstance(end, KeyboardInterrupt):
        end = end.__context__
    return end is not None


def _fail(message: str, hint: str | None = None) -> None:
    typer.secho(f"Error: {plain(message, LONGEST)}", fg="red", err=True)  # may quote others' names
    for line in (hint or "").splitlines():
        typer.echo(f"       {plain(line, LONGEST)}", err=True)
    sys.exit(1)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"ecgbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="methods, tasks, protocols or datasets.")],
    methods_path: MethodsPath = None,
) -> None:
    """List what is registered, with what is broken and why."""
    from ecgbench.cli.listing import table_of

    typer.echo(table_of(what))


@app.command()
def run(
    methods: Annotated[str, typer.Option(help="Names, separated by commas; or all.")],
    tasks: Tasks,
    seeds: Seeds = 1,
    profile: Profile = "mini",
    data: Annotated[str | None, typer.Option(help="Only tasks on this data set.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of results.")] = Path("runs"),
    isolate: Annotated[
        bool, typer.Option(help="Predict in processes whose home holds no test label.")
    ] = False,
    tables: Annotated[bool, typer.Option("--tables", help="Print every table at the end.")] = False,
    dry_run: DryRun = False,
    methods_path: MethodsPath = None,
    overrides: Overrides = None,
) -> None:
    """Run methods on tasks; what is there already is not run again.

    Example: ecgbench run --methods mae,clip --tasks sim-sub --profile demo
    """
    from ecgbench.cli.run_report import show_broken, show_left_out, show_plan, show_results
    from ecgbench.config.effective import leaves_out
    from ecgbench.runs.plan import chosen_methods, questions
    from ecgbench.runs.run import Request, carry_out, make_plan

    patterns = names_in(tasks, "--tasks")
    asked = questions(patterns, data, leaves_out(profile))
    show_left_out(profile, questions(patterns, data), asked)
    chosen = names_in(methods, "--methods")
    show_broken(chosen, patterns)
    request = Request(
        methods=chosen_methods(chosen),
        questions=asked,
        seeds=seeds,
        profile=profile,
        out=out,
        overrides=tuple(overrides or ()),
    )
    plan = make_plan(request)
    show_plan(request, plan, with_costs=dry_run)
    if dry_run:
        return
    carry_out(plan, _announce, _report, isolate)
    results = plan.results()
    show_results(results, out, tables)
    failed = [result for result in results if result.status == "failed"]
    if failed:
        reason = f"{failed[0].key}: {failed[0].reason}"
        _fail(f"{len(failed)} of {len(results)} cells failed, the first: {reason}", None)


@app.command("show")
def show_(
    what: Annotated[
        str, typer.Argument(help="TASK, TASK/PROTOCOL, a pattern of these, or a method's name.")
    ] = "*",
    out: Annotated[Path, typer.Option(help="Folder of results.")] = Path("runs"),
) -> None:
    """Print tables of a run, or where one method stands.

    Example: ecgbench show sim-sub/linear-probe --out runs/demo
    """
    from ecgbench.leaderboard.show import show, show_method
    from ecgbench.results.store import read_results

    results = [result for _, result in read_results(out)]
    if any(result.method.name == what for result in results):
        typer.echo(show_method(results, what))
    else:
        typer.echo(show(results, what if "@" in what or what.endswith("*") else f"{what}*"))


@app.command()
def doctor() -> None:
    """Check the installation, the plug-ins, the disk and the device."""
    from ecgbench.doctor import examine

    problems = 0
    for finding in examine():
        mark = typer.style("ok  ", fg="green") if finding.fine else typer.style("!   ", fg="red")
        typer.echo(f"{mark}{finding.what}")
        if not finding.fine:
            problems += 1
            typer.echo(f"    {finding.remedy}")
    if problems:
        raise typer.Exit(1)


def _announce(item: Planned) -> None:
    group = item.group
    typer.echo(
        f"{group.info.name} on {group.dataset}, seed {group.seed}: {len(item.missing)} cells",
        err=True,
    )


def _report(result: Result) -> None:
    if result.status == "failed":
        typer.secho(f"  {result.cell}: failed, {result.reason}", fg="red", err=True)
