"""The variants of a method, from ``ablations.yaml`` next to its ``config.yaml``.

A mapping from a name, as the table prints it, to the overrides that make the variant::

    no spatial mask: [model.mask.leads=0.0]
"""

from __future__ import annotations

from dataclasses import dataclass

from ecgbench.base.errors import ConfigError, PluginError, UnknownNameError
from ecgbench.plugins.specs import MethodInfo, read_yaml

FILE = "ablations.yaml"


@dataclass(frozen=True)
class Variant:
    """A method with some settings changed.

    Attributes:
        name: Name in the table.
        overrides: ``key=value``; empty for the unchanged method.
    """

    name: str
    overrides: tuple[str, ...] = ()


AS_IT_IS = Variant("unchanged")


def variants_of(info: MethodInfo) -> list[Variant]:
    """The unchanged method, then its variants in the order of the file.

    Raises:
        PluginError: The file is missing or invalid.
    """
    path = info.folder / FILE
    if not path.is_file():
        raise PluginError(
            f"{info.name} names no ablations: there is no {FILE} beside its config.yaml.",
            "Write one: a name and a list of overrides a line, "
            "e.g. `no masked words: [model.weights.mlm=0.0]`.",
        )
    variants = [AS_IT_IS]
    for name, overrides in read_yaml(path).items():
        fits = isinstance(overrides, list) and all(
            isinstance(one, str) and "=" in one for one in overrides
        )
        if not fits or not overrides:
            raise PluginError(f"{FILE} of {info.name}: {name!r} has no list of key=value.")
        variants.append(Variant(str(name), tuple(overrides)))
    return variants


def at_values(sweep: str) -> list[Variant]:
    """The unchanged method, then one variant per value of a setting.

    Args:
        sweep: ``KEY=VALUE,VALUE``, e.g. ``model.weights.contrast=0.3,3``.

    Raises:
        ConfigError: It names no key or no value.
    """
    key, _, given = sweep.partition("=")
    values = [value.strip() for value in given.split(",") if value.strip()]
    if not key or not values:
        raise ConfigError(
            f"--values {sweep!r} names no values.",
            "Write KEY=VALUE,VALUE, e.g. model.weights.contrast=0.3,3.",
        )
    return [AS_IT_IS, *(Variant(f"{key}={value}", (f"{key}={value}",)) for value in values)]


def named(info: MethodInfo, part: str | None) -> list[Variant]:
    """The variants whose name contains a word; all for None.

    Raises:
        UnknownNameError: None does.
        PluginError: As :func:`variants_of`.
    """
    known = variants_of(info)
    found = [variant for variant in known if part is None or part in variant.name]
    if not found:
        names = ", ".join(variant.name for variant in known)
        raise UnknownNameError(
            f"No ablation of {info.name} is named {part!r}.", f"There are {names}."
        )
    return found
