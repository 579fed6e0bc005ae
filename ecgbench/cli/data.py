"""``ecgbench data``: download, prepare, look at and verify data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ecgbench.data.dataset import Dataset
    from ecgbench.data.spec import DatasetSpec

app = typer.Typer(help="Download, prepare, look at and verify data sets.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the data set: `ecgbench list datasets`.")]


@app.command()
def info(name: Name) -> None:
    """Say what a data set is and, once it is prepared, what is in it."""
    from ecgbench.data.prepare import find_store, outdated_store
    from ecgbench.data.spec import datasets

    spec = datasets.get(name)
    _print(_catalogue_rows(spec))
    store = find_store(spec)
    if store is None and outdated_store(spec) is not None:
        from ecgbench.data.opening import not_prepared

        problem = not_prepared(spec)
        typer.echo(f"{problem.message} {problem.hint}")
        return
    if store is None:
        typer.echo(_next_step(spec))
        return
    from ecgbench.data.dataset import Dataset

    _print_contents(Dataset(spec, store))


@app.command()
def fetch(
    name: Name,
    to: Annotated[Path | None, typer.Option(help="Folder to download to.")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Server in place of PhysioNet's, e.g. a mirror.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="`metadata`, or a pattern of file names; repeatable.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Downloads at a time.", min=1)] = 8,
) -> None:
    """Download a data set; run again, it goes on where it stopped."""
    from ecgbench.data.fetch import fetch as run

    folder = run(name, to, base_url=base_url, only=only or (), workers=workers)
    typer.echo(f"{name} is in {folder}")
    typer.echo(f"Next: ecgbench data prepare {name} --source {folder}")


@app.command()
def prepare(
    name: Name,
    source: Annotated[
        Path | None, typer.Option(help="Folder of the data; default: where `fetch` put it.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; default: one a core.")] = None,
    rate: Annotated[
        float | None, typer.Option(help="Sampling rate in Hz, where the folder has several.")
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Download signals as they are packed, keep none.")
    ] = False,
    base_url: Annotated[str | None, typer.Option(help="Server to stream from.")] = None,
) -> None:
    """Pack a data set into a store; run again, it does what is missing."""
    from ecgbench.data.fetch import fetch as fetch_files
    from ecgbench.data.fetch import source_dir
    from ecgbench.data.opening import open_dataset
    from ecgbench.data.opening import prepare as run
    from ecgbench.data.spec import datasets

    spec = datasets.get(name)
    if source is None and spec.generator is not None:
        dataset = open_dataset(name)
    else:
        folder = source or source_dir(spec)
        address = None
        if stream:
            fetch_files(name, folder, base_url=base_url, only=["metadata"])
            address = base_url or ""
        dataset = run(name, folder, workers=workers, rate=rate, stream=address)
    _print_contents(dataset)


@app.command()
def verify(name: Name) -> None:
    """Hash a prepared data set and its source again and compare with the manifest."""
    from ecgbench.data.opening import verify as run

    store, compared = run(name)
    typer.echo(f"{name}: {len(store):,} records, every file is what it was ({store.path})")
    if compared:
        typer.echo("The files that it was made from are the same, too.")
    else:
        typer.echo("The files that it was made from are not here, so they were not compared.")


def _catalogue_rows(spec: DatasetSpec) -> list[tuple[str, str]]:
    rows = [
        ("name", spec.name + ("  (simulated, no recordings)" if spec.simulated else "")),
        ("title", spec.title),
        ("version", spec.version),
        ("licence", spec.licence),
        ("citation", spec.citation),
        ("web page", spec.url or "-"),
        ("label sets", ", ".join(spec.label_sets) or "-"),
        ("split by", spec.splits.by),
    ]
    return [*rows, ("download", spec.remote.size)] if spec.remote else rows


def _print_contents(dataset: Dataset) -> None:
    from ecgbench.data.report import classes, contents

    _print(contents(dataset))
    for line in classes(dataset):
        typer.echo(f"  {line}")


def _next_step(spec: DatasetSpec) -> str:
    if spec.generator is not None:
        return f"Not made yet. `ecgbench data prepare {spec.name}` makes it; so does the first use."
    return (
        f"Not prepared. Download it with `ecgbench data fetch {spec.name}`, then "
        f"`ecgbench data prepare {spec.name}` (--source DIR for a folder that you have)."
    )


def _print(rows: list[tuple[str, str]]) -> None:
    for label, value in rows:
        typer.echo(f"{label:<12} {value}")
