"""`ecgbench ablate`: parse, run every variant, print their table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def ablate(
    method: Annotated[str, typer.Argument(help="Its name.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="key=value for every variant.")
    ] = None,
    tasks: Annotated[
        str, typer.Option(help="TASK, PROTOCOL or TASK/PROTOCOL@VARIANT, by commas; patterns work.")
    ] = "sim-sub/linear-probe,sim-sub/zero-shot@en",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 1,
    profile: Annotated[str, typer.Option(help="demo, mini, paper, or a YAML file.")] = "demo",
    out: Annotated[Path, typer.Option(help="Folder of results.")] = Path("runs/ablations"),
    card: Annotated[
        Path | None, typer.Option(help="README.md whose marked table is written anew.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    methods_path: Annotated[
        list[Path] | None, typer.Option(help="Folder with methods of your own.")
    ] = None,
) -> None:
    """Run a method as it is and with each of its ablations; what is there is not run again."""
    from ecgbench.ablations.table import ablation_table, write_into
    from ecgbench.ablations.variants import variants_of
    from ecgbench.plugins import methods
    from ecgbench.runs.plan import chosen_methods, questions
    from ecgbench.runs.run import Plan, Request, carry_out, make_plan

    for folder in methods_path or []:
        methods.add_path(folder)
    infos = chosen_methods([method])
    requests = {
        variant: Request(
            methods=infos,
            questions=questions(tasks.split(",")),
            seeds=seeds,
            profile=profile,
            out=out,
            overrides=(*(overrides or ()), *variant.overrides),
            command=("ablate", method, f"--tasks={tasks}", f"--seeds={seeds}"),
        )
        for variant in variants_of(infos[0])
    }
    plans = {variant: make_plan(request) for variant, request in requests.items()}
    for variant, plan in plans.items():
        typer.echo(f"{variant.name}: {plan.cells} cells, {plan.missing} to run", err=True)
    if dry_run:
        return
    for seed in range(seeds):  # every variant has its first seed before any gets a second
        for variant, plan in plans.items():
            typer.echo(f"{method}, {variant.name}, seed {seed}", err=True)
            of_seed = [item for item in plan.planned if item.group.seed == seed]
            carry_out(Plan(of_seed, plan.absent))
    table = ablation_table({variant: plan.results() for variant, plan in plans.items()})
    if card is not None:
        write_into(card, table)
    typer.echo(table)
