"""Encoders that were trained elsewhere, to be evaluated as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from ecgbench.methods.checkpoint.weights import (
    as_named,
    find_weights,
    from_torchvision_resnet,
    load_into,
    read_weights,
)
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from ecgbench.errors import EcgbenchError
from ecgbench.method import Method, Setup
from ecgbench.nn.towers import Tower, build_tower

# How the author's names map to ours, and which of our encoders has his architecture.
ARCHITECTURES: dict[str, tuple[str, Any]] = {
    "merl-resnet18": ("resnet18", from_torchvision_resnet),
    "vit": ("vit", as_named),
    "channel-vit": ("channel-vit", as_named),
    "resnet18": ("resnet18", as_named),
    "xresnet101": ("xresnet101", as_named),
}


class Checkpoint(Method):
    """Wraps an encoder given by ``model.source``; nothing is trained.

    A TorchScript file brings its own architecture: it maps ``[B, L, T]`` to ``[B, features]`` or to
    ``[B, tokens, features]``. Anything else is a state dict for a named architecture.
    """

    def __init__(self, config: DictConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        if config.source is None and setup.assets is None:
            raise EcgbenchError(
                "The method checkpoint has no weights to evaluate.",
                "Give them: checkpoint:model.source=PATH_OR_ID (and model.architecture).",
            )
        if config.architecture == "torchscript":
            self.encoder = _scripted(config, setup)
        else:
            self.encoder = _named(config, setup)

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The encoder's feature: ``[B, L, T] -> [B, features]``."""
        tokens = self.encoder(ecg)
        if isinstance(self.encoder, Tower):
            return self.encoder.pool(tokens)
        return tokens if tokens.ndim == 2 else tokens.mean(1)

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """The encoder's tokens, one where it has only a vector: ``[B, L, T] -> [B, N, width]``."""
        tokens: Tensor = self.encoder(ecg)
        return tokens[:, None] if tokens.ndim == 2 else tokens

    def save_assets(self, folder: Path) -> None:
        """A scripted encoder's program; weights of a named one are in the checkpoint."""
        if isinstance(self.encoder, torch.jit.ScriptModule):
            torch.jit.save(self.encoder, folder / "encoder.torchscript")


def _named(config: DictConfig, setup: Setup) -> Tower:
    name = str(config.architecture)
    if name not in ARCHITECTURES:
        known = ", ".join(["torchscript", *ARCHITECTURES])
        raise EcgbenchError(f"model.architecture cannot be {name!r}.", f"It takes {known}.")
    encoder, rename = ARCHITECTURES[name]
    tower = build_tower(OmegaConf.create({**config, "encoder": encoder}), setup)
    if setup.assets is None:
        tensors = read_weights(find_weights(config.source, config.file))
        load_into(tower, tensors, config.prefix, rename)
    return tower


def _scripted(config: DictConfig, setup: Setup) -> torch.jit.ScriptModule:
    if setup.assets is not None:
        path = setup.assets / "encoder.torchscript"
    else:
        path = find_weights(config.source, config.file)
    try:
        return torch.jit.load(path, map_location="cpu")
    except RuntimeError as error:
        raise EcgbenchError(
            f"{path.name} is no TorchScript program: {str(error).splitlines()[0]}",
            "For a state_dict set model.architecture to what it was made with.",
        ) from error
