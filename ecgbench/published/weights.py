"""Weights that others trained: read without running code of theirs, and put into a network by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ecgbench.base.errors import EcgbenchError
from ecgbench.training.outside import plain_errors

USUAL = ("state_dict", "model", "encoder", "model_state_dict")
"""Keys under which a checkpoint usually holds its state dict."""

Names = Mapping[str, str]
"""Patterns of published names and what takes their place, applied in this order."""


@dataclass(frozen=True)
class Loaded:
    """What became of the tensors of a file.

    Attributes:
        prefix: What the names of the wanted tensors began with, e.g. ``module.``.
        used: Tensors that are in the network now.
        dropped: How many tensors were left out, by reason.
    """

    prefix: str
    used: int
    dropped: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"{self.used} tensors used"]
        parts += [f"prefix {self.prefix!r} found"] if self.prefix else []
        parts += [f"{count} left out: {reason}" for reason, count in self.dropped.items()]
        return "; ".join(parts)


def read_weights(path: Path, inside: Sequence[str] = USUAL) -> dict[str, Tensor]:
    """Read named tensors from safetensors, or from a pickle that holds nothing but tensors.

    Args:
        path: The file.
        inside: Keys under one of which the state dict may lie, several levels deep.

    Raises:
        EcgbenchError: A pickle holds more than tensors; or the file is damaged or holds no weights.
    """
    with plain_errors(path.name):
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    while key := next((k for k in inside if _holds_mapping(content, k)), None):
        content = content[key]
    items = content.items() if isinstance(content, Mapping) else ()
    tensors = {str(key): value for key, value in items if isinstance(value, Tensor)}
    if not tensors:
        raise EcgbenchError(f"{path.name} holds no named tensors.", "Give a state dict.")
    return tensors


def _holds_mapping(content: Any, key: str) -> bool:
    return isinstance(content, Mapping) and isinstance(content.get(key), Mapping)


def fill(
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    names: Names,
    drop: Mapping[str, str],
    what: str,
    prefix: str | None = None,
) -> Loaded:
    """Put published tensors into a network; every tensor is used, or left out for a reason.

    Args:
        network: Its architecture is the published one.
        tensors: By the published names.
        names: From published names to those of the network.
        drop: Patterns of published names that are not wanted, with the reason.
        what: What the weights are said to be, for messages.
        prefix: What the names begin with in the file; None: it is found.

    Raises:
        EcgbenchError: Names what is missing, unknown or of another shape.
    """
    wanted = {k: v for k, v in network.state_dict().items() if not k.endswith("_tracked")}
    found = _prefix(tensors, names, wanted) if prefix is None else prefix
    given: dict[str, Tensor] = {}
    unknown: list[str] = []
    dropped: Counter[str] = Counter()
    for name, value in tensors.items():
        inner = name.removeprefix(found)
        reason = _reason(inner, drop) if name.startswith(found) else f"outside {found!r}"
        place = renamed(inner, names)
        if reason is not None:
            dropped[reason] += 1
        elif place in wanted:
            given[place] = value
        elif place.endswith("num_batches_tracked"):
            dropped["counter of batches"] += 1
        else:
            unknown.append(name)
    _check(given, wanted, unknown, what)
    network.load_state_dict(given, strict=False)
    return Loaded(found, len(given), dict(dropped))


def renamed(name: str, names: Names) -> str:
    """A published name after all replacements."""
    for pattern, place in names.items():
        name = re.sub(pattern, place, name)
    return name


def _reason(name: str, drop: Mapping[str, str]) -> str | None:
    return next((why for pattern, why in drop.items() if fnmatchcase(name, pattern)), None)


def _prefix(tensors: Mapping[str, Tensor], names: Names, wanted: Mapping[str, Tensor]) -> str:
    """The beginning of the names under which most of the wanted tensors lie; the shortest of equals."""
    starts = Counter(
        name[: dot.end()] for name in tensors for dot in re.finditer(r"\.", name)
    ) | Counter({"": len(tensors)})
    large = [start for start, count in starts.items() if count >= len(wanted) / 2] or [""]
    inner = {
        start: [renamed(n.removeprefix(start), names) for n in tensors if n.startswith(start)]
        for start in large
    }
    return max(large, key=lambda start: (len(wanted.keys() & set(inner[start])), -len(start)))


def _check(
    given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], unknown: Sequence[str], what: str
) -> None:
    if not given:
        raise EcgbenchError(
            f"The file is not {what}: it holds none of its {len(wanted)} tensors; its names begin with "
            f"{unknown[0] if unknown else 'nothing'!r}.",
            "Give the published file, or the method that the file belongs to.",
        )
    missing = sorted(wanted.keys() - given.keys())
    shapes = [
        f"{name} {tuple(given[name].shape)} for {tuple(value.shape)}"
        for name, value in wanted.items()
        if name in given and given[name].shape != value.shape
    ]
    problems = [("missing", missing), ("left over", sorted(unknown)), ("of another shape", shapes)]
    told = [f"{kind} ({len(found)}): {', '.join(found[:3])}" for kind, found in problems if found]
    if told:
        raise EcgbenchError(
            f"The weights do not fit {what}: {'; '.join(told)}.",
            "Give the published file, and the sizes that its network was made with.",
        )
