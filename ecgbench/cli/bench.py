"""`ecgbench bench`: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def bench(
    only: Annotated[str, typer.Option(help="Names of measures, by commas.")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="Counted rounds.")] = 5,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="Write the JSON files beside it into this page, and stop.")
    ] = None,
) -> None:
    """Measure speed beside the usual libraries and the limits of this machine, in one run.

    Example: ecgbench bench --only read-wfdb,probe --out docs/performance/my-machine.json
    """
    from ecgbench.base.errors import UnknownNameError, did_you_mean
    from ecgbench.base.paths import atomic_write
    from ecgbench.performance.measures import MEASURES
    from ecgbench.performance.report import measure, table, write_page

    if page is not None:
        write_page(page, (page.parent / "performance").glob("*.json"))
        return
    names = [one.name for one in MEASURES]
    asked = only.split(",") if only else names
    for name in asked:
        if name not in names:
            raise UnknownNameError(f"Unknown measure {name!r}.", did_you_mean(name, names))
    chosen = [one for one in MEASURES if one.name in asked]
    found = measure(chosen, rounds, lambda name: typer.echo(f"measuring {name}", err=True))
    typer.echo(table(found))
    if out is not None:
        import json

        atomic_write(out, json.dumps(found, indent=1) + "\n")
