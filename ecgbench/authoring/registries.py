"""All registries, by their names on the command line."""

from __future__ import annotations

from typing import Any

from ecgbench.data.spec import datasets
from ecgbench.plugins.catalogue import methods, protocols, tasks
from ecgbench.plugins.registry import Registry


def all_registries() -> dict[str, Registry[Any]]:
    """``methods``, ``tasks``, ``protocols`` and ``datasets``."""
    return {"methods": methods, "tasks": tasks, "protocols": protocols, "datasets": datasets}
