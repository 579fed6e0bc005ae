"""`ecgbench inspect`, `view` and `explain`: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgbench.base.errors import ConfigError
from ecgbench.cli.options import MethodsPath, Overrides, Profile, names_in

Record = Annotated[str, typer.Argument(help="DATASET/RECORD, e.g. sim/1.")]
Picture = Annotated[Path, typer.Option(help="Picture to write: PNG, PDF or SVG.")]


def view(
    record: Record,
    out: Picture = Path("ecg.png"),
    results: Annotated[Path | None, typer.Option(help="Folder of results with scores.")] = None,
    methods: Annotated[str, typer.Option(help="Methods whose scores to show, by commas.")] = "",
    cell: Annotated[str, typer.Option(help="TASK/PROTOCOL@VARIANT of the scores.")] = "",
) -> None:
    """Draw a record on ECG paper, with its labels, its report and the scores of methods.

    Example: ecgbench view sim/1 --out ecg.pdf
    """
    from ecgbench.inspection.paper import draw, save
    from ecgbench.inspection.record import find_record, scores_of

    one = find_record(record)
    given = (results is not None, bool(methods), bool(cell))
    if any(given) and not all(given):
        raise ConfigError("Scores need --results, --methods and --cell together.")
    lines = (
        scores_of(one, results, names_in(methods, "--methods"), cell) if results is not None else []
    )
    save(draw(one.paper(lines)), out)
    typer.echo(out)


def explain(
    method: Annotated[str, typer.Argument(help="Name of the method.")],
    record: Record,
    overrides: Overrides = None,
    label: Annotated[str | None, typer.Option(help="Class; default: the record's surest.")] = None,
    labels: Annotated[str | None, typer.Option(help="Label set of the class.")] = None,
    profile: Profile = "mini",
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the pre-training.")] = 0,
    out: Picture = Path("explained.png"),
    methods_path: MethodsPath = None,
) -> None:
    """Draw which parts of a record a linear probe's score depends on, by hiding them one by one.

    Example: ecgbench explain random_init sim/1 --label MI
    """
    from ecgbench.inspection.occlusion import explain as explained
    from ecgbench.inspection.paper import draw, save
    from ecgbench.inspection.record import find_record
    from ecgbench.inspection.subject import Subject, recipe_of
    from ecgbench.plugins.catalogue import methods
    from ecgbench.training.encode import Encoder
    from ecgbench.training.pretrain import pretrain

    one = find_record(record)
    given = tuple(overrides or ())
    recipe, dataset = recipe_of(methods.get(method), one.dataset.spec.name, profile, seed, given)
    subject = Subject(Encoder(recipe, pretrain(recipe)), dataset, given, labels)
    found = explained(subject, one, label)
    save(draw(found.on(one.paper())), out)
    typer.echo(out)


def inspect(
    method: Annotated[str, typer.Argument(help="Its name.")],
    overrides: Overrides = None,
    data: Annotated[str, typer.Option(help="Data set to look at it with.")] = "sim",
    profile: Profile = "mini",
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the pre-training.")] = 0,
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
