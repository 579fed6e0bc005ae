"""The registries of methods, tasks and protocols by name."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from ecgbench.base.errors import ConfigError, PluginError
from ecgbench.config.effective import effective, profile_names
from ecgbench.plugins.importing import builtin_folder, check_code
from ecgbench.plugins.registry import Registry
from ecgbench.plugins.specs import (
    MethodInfo,
    ProtocolSpec,
    TaskSpec,
    plain_validation_error,
    read_yaml,
)


def _load_method(path: Path) -> tuple[str, MethodInfo]:
    try:
        info = MethodInfo(folder=path.parent, **read_yaml(path))
    except ValidationError as error:
        raise PluginError(f"config.yaml: {plain_validation_error(error)}") from error
    for entry in filter(None, (info.model, info.feature_names, info.settings)):
        check_code(entry, path.parent)
    try:
        for profile in profile_names():
            effective(info, profile)
    except (ConfigError, ValueError) as error:
        hint = getattr(error, "hint", None) or ""
        raise PluginError(f"config.yaml: {error} {hint}".rstrip()) from error
    return info.name, info


def _load_protocol(path: Path) -> tuple[str, ProtocolSpec]:
    try:
        spec = ProtocolSpec(folder=path.parent, **read_yaml(path))
    except ValidationError as error:
        raise PluginError(f"{path.name}: {plain_validation_error(error)}") from error
    for entry in filter(None, (spec.entry, spec.settings)):
        check_code(entry, path.parent)
    return spec.name, spec


def _load_task(path: Path) -> tuple[str, TaskSpec]:
    try:
        spec = TaskSpec(folder=path.parent, **read_yaml(path))
    except ValidationError as error:
        raise PluginError(f"{path.name}: {plain_validation_error(error)}") from error
    return spec.name, spec


def _find_methods(folder: Path) -> list[Path]:
    own = folder / "config.yaml"
    if own.is_file():
        return [own]
    return sorted([*folder.glob("*/config.yaml"), *folder.glob("published/*/config.yaml")])


methods: Registry[MethodInfo] = Registry(
    kind="method",
    group="ecgbench.methods",
    builtin=builtin_folder("methods"),
    find=_find_methods,
    load=_load_method,
    name_of=lambda path: path.parent.name,
)

tasks: Registry[TaskSpec] = Registry(
    kind="task",
    group="ecgbench.tasks",
    builtin=builtin_folder("tasks"),
    find=lambda folder: sorted(folder.glob("*.yaml")),
    load=_load_task,
)

protocols: Registry[ProtocolSpec] = Registry(
    kind="protocol",
    group="ecgbench.tasks",
    builtin=builtin_folder("tasks"),
    find=lambda folder: sorted(
        [*folder.glob("protocols/*.yaml"), *folder.glob("protocols/*/*.yaml")]
    ),
    load=_load_protocol,
)
