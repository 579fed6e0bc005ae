"""`ecgbench list`: what is registered, in columns."""

from __future__ import annotations

from typing import Any

from ecgbench.authoring.registries import all_registries
from ecgbench.base.errors import UnknownNameError, did_you_mean
from ecgbench.published.tables import overview


def table_of(what: str) -> str:
    """The entries of one registry as text.

    Args:
        what: ``methods``, ``tasks``, ``protocols`` or ``datasets``.

    Raises:
        UnknownNameError: There is no such registry.
    """
    from tabulate import tabulate

    registries = all_registries()
    if what not in registries:
        raise UnknownNameError(f"There is no list of {what!r}.", did_you_mean(what, registries))
    entries = registries[what].entries().values()
    header, row = {
        "methods": (("method", "what", "family", "encodes", "from"), _method),
        "tasks": (("task", "what", "data set", "protocols", "from"), _task),
        "protocols": (("protocol", "what", "track", "variants", "from"), _protocol),
        "datasets": (("data set", "what", "version", "licence", "from"), _dataset),
    }[what]
    rows = [
        (entry.name, *row(entry.value), entry.origin)
        if entry.value is not None
        else (entry.name, f"BROKEN: {entry.problem}", "", "", entry.origin)
        for entry in entries
    ]
    table = str(tabulate(rows, headers=header, tablefmt="simple"))
    return f"{table}\n\nPublished encoders:\n\n{overview()}" if what == "methods" else table


def _method(info: Any) -> tuple[str, str, str]:
    return info.title, info.family, ", ".join(info.encodes)


def _task(spec: Any) -> tuple[str, str, str]:
    return spec.title, spec.dataset, ", ".join(spec.protocols)


def _protocol(spec: Any) -> tuple[str, str, str]:
    return spec.title, spec.track, ", ".join(spec.variants)


def _dataset(spec: Any) -> tuple[str, str, str]:
    return spec.title, spec.version, spec.licence
