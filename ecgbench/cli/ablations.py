"""`ecgbench ablate`: parse, run every variant, print their table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ecgbench.cli.options import DryRun, MethodsPath, Overrides, Profile, Seeds, Tasks, names_in


def ablate(
    method: Annotated[str, typer.Argument(help="Its name.")],
    overrides: Overrides = None,
    tasks: Tasks = "sim-sub/linear-probe,sim-sub/zero-shot@en",
    seeds: Seeds = 1,
    profile: Profile = "demo",
    only: Annotated[
        str | None, typer.Option(help="Only the variants whose name holds this, e.g. control.")
    ] = None,
    values: Annotated[
        str | None,
        typer.Option(help="KEY=VALUE,VALUE in place of the method's own variants; by validation."),
    ] = None,
    by: Annotated[
        Literal["test", "validation"],
        typer.Option(help="Records of the figures: test reports, validation is to choose by."),
    ] = "test",
    out: Annotated[Path, typer.Option(help="Folder of results.")] = Path("runs/ablations"),
    card: Annotated[
        Path | None, typer.Option(help="README.md whose marked table is written anew.")
    ] = None,
    dry_run: DryRun = False,
    methods_path: MethodsPath = None,
) -> None:
    """Run the unchanged method and each of its ablations; existing results are not recomputed."""
    from ecgbench.ablations.table import ablation_table, write_into
    from ecgbench.ablations.validation import key_of, validation_table
    from ecgbench.ablations.variants import at_values, named
    from ecgbench.base.errors import ConfigError
    from ecgbench.runs.plan import chosen_methods, questions
    from ecgbench.runs.run import Plan, Request, carry_out, make_plan

    infos = chosen_methods([method])
    asked = questions(names_in(tasks, "--tasks"))
    if by == "validation":
        for question in asked:  # before anything runs
            key_of(question)
    elif values is not None:
        raise ConfigError("No value is to be chosen by test records.", "Add --by validation.")
    requests = {
        variant: Request(
            methods=infos,
            questions=asked,
            seeds=seeds,
            profile=profile,
            out=out,
            overrides=(*(overrides or ()), *variant.overrides),
        )
        for variant in (named(infos[0], only) if values is None else at_values(values))
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
    found = {variant: plan.results() for variant, plan in plans.items()}
    table = ablation_table(found) if by == "test" else validation_table(found, asked)
    if card is not None:
        write_into(card, table)
    typer.echo(table)
