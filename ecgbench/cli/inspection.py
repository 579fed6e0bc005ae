"""`ecgbench inspect`: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgbench.cli.options import MethodsPath, Overrides, Profile


def inspect(
    method: Annotated[str, typer.Argument(help="Its name.")],
    overrides: Overrides = None,
    data: Annotated[str, typer.Option(help="Data set to look at it with.")] = "sim",
    profile: Profile = "mini",
    seed: Annotated[int, typer.Option(min=0, help="Of the pre-training.")] = 0,
    labels: Annotated[
        str | None, typer.Option(help="Label set of colours and of the probe's weights.")
    ] = None,
    records: Annotated[int, typer.Option(min=1, help="How many are reconstructed.")] = 3,
    out: Annotated[
        Path | None, typer.Option(help="Folder of pictures; default: runs/inspect/METHOD.")
    ] = None,
    methods_path: MethodsPath = None,
) -> None:
    """Draw what a method reconstructs, its embedding, its training, its bounds, its probe's weights."""
    from ecgbench.inspection.subject import Subject, recipe_of
    from ecgbench.plugins.catalogue import methods
    from ecgbench.training.encode import Encoder
    from ecgbench.training.pretrain import pretrain
    from ecgbench.training.recipe import find

    given = tuple(overrides or ())
    recipe, dataset = recipe_of(methods.get(method), data, profile, seed, given)
    if labels is not None:
        dataset.labels(labels, "val")  # raises, before anything is trained, where there is none
    if find(recipe) is None and recipe.trains:
        typer.echo(
            f"No checkpoint of this recipe yet: pre-training {method} on "
            f"{'+'.join(one.spec.name for one in recipe.seen)}, {recipe.config.pretrain.steps} "
            "steps. Ctrl-C stops; the same command goes on.",
            err=True,
        )
    from ecgbench.inspection.page import write_page

    subject = Subject(Encoder(recipe, pretrain(recipe)), dataset, given, labels)
    typer.echo(write_page(subject, out or Path("runs") / "inspect" / method, records))
