"""Finding and reading weights that somebody else made, without running their code."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ecgbench.errors import EcgbenchError

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".torchscript")


def find_weights(source: str, file: str | None) -> Path:
    """The file that a source means.

    Args:
        source: A file, a directory, or a Hugging Face id.
        file: Its name in a directory or under an id.

    Raises:
        EcgbenchError: There is none, or there are several and none is named.
    """
    path = Path(source).expanduser()
    if path.is_file():
        return path
    if not path.is_dir():
        path = _download(source)
    if file is not None:
        if not (path / file).is_file():
            raise EcgbenchError(f"There is no {file} in {path}.", "Correct model.file.")
        return path / file
    found = sorted(item for item in path.rglob("*") if item.suffix in SUFFIXES and item.is_file())
    if len(found) != 1:
        names = ", ".join(str(item.relative_to(path)) for item in found) or "none"
        raise EcgbenchError(
            f"{source} should hold one file of weights ({', '.join(SUFFIXES)}); found: {names}.",
            "Name one: model.file=NAME.",
        )
    return found[0]


def _download(source: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        patterns = [f"*{suffix}" for suffix in SUFFIXES]
        return Path(snapshot_download(source, allow_patterns=patterns))
    except Exception as error:  # a hub fails in many ways: no network, no such id, no permission
        raise EcgbenchError(
            f"{source!r} is no file or directory, and cannot be downloaded: "
            f"{str(error).splitlines()[0]}",
            "Download the weights where there is a network and give their path: model.source=PATH.",
        ) from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read named tensors from safetensors, or from a pickle that holds nothing but tensors.

    Raises:
        EcgbenchError: A pickle that wants to run code, or a file that holds no weights.
    """
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(path))
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = re.findall(r"(?:GLOBAL|global) ([\w.]+)", str(error))
        what = f" ({wanted[0]})" if wanted else ""
        raise EcgbenchError(
            f"{path.name} is a pickle that wants more than tensors{what}; it is not loaded.",
            "Where you trust it, save its state_dict as safetensors and give that file.",
        ) from error
    except (RuntimeError, EOFError) as error:
        raise EcgbenchError(
            f"{path.name} cannot be read as weights: {(str(error) or 'it is empty').splitlines()[0]}"
        ) from error
    return _tensors_of(content, path)


def _tensors_of(content: Any, path: Path) -> dict[str, Tensor]:
    """The state dict in a checkpoint, which may lie under one of the usual keys."""
    for key in ("state_dict", "model", "encoder", "model_state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    tensors = (
        {str(k): v for k, v in content.items() if isinstance(v, Tensor)}
        if isinstance(content, Mapping)
        else {}
    )
    if not tensors:
        raise EcgbenchError(f"{path.name} holds no named tensors.", "Give a state_dict.")
    return tensors


def load_into(
    module: torch.nn.Module,
    tensors: Mapping[str, Tensor],
    prefix: str,
    rename: Callable[[str], str | None],
) -> None:
    """Put weights into a module; every weight of the module has to be found, in its shape.

    Args:
        module: Of the architecture that the weights were made for.
        tensors: Weights by the author's names.
        prefix: Only names that begin so are looked at, without it.
        rename: An author's name to ours; None for a weight that is not wanted (a classifier's).

    Raises:
        EcgbenchError: Names what is missing, left over or of another shape.
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
            "Set model.architecture, its sizes and model.prefix to what they were made with.",
        )
    module.load_state_dict({name: given[name] for name in wanted}, strict=False)


def as_named(name: str) -> str | None:
    """Weights that carry our own names."""
    return name


def from_torchvision_resnet(name: str) -> str | None:
    """Names of a ResNet in torchvision's manner (as MERL's released encoder has them) to ours.

    ``layer2.0.conv1.weight`` is ``stages.2.body.0.weight``: eight blocks in a row, two a stage.
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
