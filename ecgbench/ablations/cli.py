"""`ecgbench ablate`: parse, run every variant, print their table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgbench.options import DryRun, MethodsPath, Overrides, Profile, Seeds, Tasks


def ablate(
    method: Annotated[str, typer.Argument(help="Its name.")],
    overrides: Overrides = None,
    tasks: Tasks = "sim-sub/linear-probe,sim-sub/zero-shot@en",
    seeds: Seeds = 1,
    profile: Profile = "demo",
    only: Annotated[
        str | None, typer.Option(help="Only the variants whose name holds this, e.g. control.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of results.")] = Path("runs/ablations"),
    card: Annotated[
        Path | None, typer.Option(help="README.md whose marked table is written anew.")
    ] = None,
    dry_run: DryRun = False,
    methods_path: MethodsPath = None,
) -> None:
    """Run a method as it is and with each of its ablations; what is there is not run again."""
    from ecgbench.ablations.table import ablation_table, write_into
    from ecgbench.ablations.variants import named
    from ecgbench.runs.plan import chosen_methods, questions
    from ecgbench.runs.run import Plan, Request, carry_out, make_plan

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
        for variant in named(infos[0], only)
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
