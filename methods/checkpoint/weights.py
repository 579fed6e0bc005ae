"""External weights: reading them without running code, and loading them into a module."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ecgbench.base.errors import EcgbenchError
from ecgbench.training.outside import plain_errors


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read named tensors from safetensors, or from a pickle that contains only tensors.

    Raises:
        EcgbenchError: The file is a pickle that would run code, is damaged, or contains no weights.
    """
    with plain_errors(path.name):
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    return _tensors_of(content, path)


def _tensors_of(content: Any, path: Path) -> dict[str, Tensor]:
    """The state dict of a checkpoint, possibly under one of the usual keys."""
    for key in ("state_dict", "model", "encoder", "model_state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    tensors = (
        {str(k): v for k, v in content.items() if isinstance(v, Tensor)}
        if isinstance(content, Mapping)
        else {}
    )
    if not tensors:
        raise EcgbenchError(f"{path.name} contains no named tensors.", "Give a state_dict.")
    return tensors


def load_into(
    module: torch.nn.Module,
    tensors: Mapping[str, Tensor],
    prefix: str,
    rename: Callable[[str], str | None],
) -> None:
    """Load weights into a module; every weight of the module must be present with the right shape.

    Args:
        module: A module with the architecture of the weights.
        tensors: Weights by the author's names.
        prefix: Only names with this prefix are used; the prefix is removed.
        rename: Maps a name of the author to ours, or to None to ignore a weight (of a classifier).

    Raises:
        EcgbenchError: Weights are missing, unused or have a different shape; the message names them.
    """
    chosen = {name[len(prefix) :]: v for name, v in tensors.items() if name.startswith(prefix)}
    renamed = {rename(name): value for name, value in chosen.items()}
    given = {name: value for name, value in renamed.items() if name is not None}
    wanted = {
        name: value
        for name, value in module.state_dict().items()
        if not name.endswith("num_batches_tracked") or name in given
    }
    missing, extra = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
    shapes = [
        f"{name} {tuple(given[name].shape)} for {tuple(value.shape)}"
        for name, value in wanted.items()
        if name in given and given[name].shape != value.shape
    ]
    problems = [("missing", missing), ("left over", extra), ("of another shape", shapes)]
    told = [f"{kind}: {', '.join(names[:3])}" for kind, names in problems if names]
    if told:
        raise EcgbenchError(
            f"The weights do not fit the architecture ({'; '.join(told)}).",
            "Set model.architecture, its sizes and model.prefix to those of the weights.",
        )
    module.load_state_dict({name: given[name] for name in wanted}, strict=False)


def from_ecgbench(tower: str, name: str) -> str:
    """Map names of ecgbench's own encoders to those of a tower.

    Methods with a configurable encoder have a tower (``net.stem.0.weight``). Methods that always use a ViT
    have it directly (``blocks.0...``).

    Args:
        tower: Attribute of the tower for its network: ``vit`` or ``net``.
        name: Name of a weight.
    """
    return name if name.startswith(f"{tower}.") else f"{tower}.{name}"


def from_torchvision_resnet(name: str) -> str | None:
    """Map the names of a torchvision-style ResNet (as in MERL's released encoder) to ours.

    ``layer2.0.conv1.weight`` is ``stages.2.body.0.weight``: eight blocks in sequence, two per stage.
    """
    parts = name.split(".")
    if parts[0] in ("conv1", "bn1"):
        return ".".join(["net.stem", "0" if parts[0] == "conv1" else "1", *parts[1:]])
    found = re.fullmatch(r"layer(\d)\.(\d)\.(conv1|bn1|conv2|bn2|downsample|shortcut)\.(.+)", name)
    if found is None:
        return None
    stage, block, part, rest = found.groups()
    place = f"net.stages.{2 * (int(stage) - 1) + int(block)}"
    inside = {"conv1": "body.0", "bn1": "body.1", "conv2": "body.3", "bn2": "body.4"}
    return f"{place}.{inside.get(part, 'shortcut')}.{rest}"
