"""Encoders that were trained elsewhere, to be evaluated as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from ecgbench.methods.checkpoint.weights import (
    from_ecgbench,
    from_torchvision_resnet,
    load_into,
    read_weights,
)
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from ecgbench.base.errors import ConfigError, EcgbenchError
from ecgbench.method import Method, Setup
from ecgbench.nn.towers import Tower, build_tower
from ecgbench.training.outside import find_weights

# How the author's names map to ours, and which of our encoders has his architecture.
ARCHITECTURES: dict[str, tuple[str, Any]] = {
    "merl-resnet18": ("resnet18", from_torchvision_resnet),
    "vit": ("vit", partial(from_ecgbench, "vit")),
    "channel-vit": ("channel-vit", partial(from_ecgbench, "vit")),
    "resnet18": ("resnet18", partial(from_ecgbench, "net")),
    "xresnet101": ("xresnet101", partial(from_ecgbench, "net")),
}

# The order of leads that an architecture's published weights were trained with, where it is known.
# MERL was trained on MIMIC-IV-ECG's files as they are, with aVF before aVL.
LEADS = {
    "merl-resnet18": ["I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"],
}


class Checkpoint(Method):
    """Wraps an encoder given by ``model.source``; nothing is trained.

    It gets the leads in the order that it was trained with (``model.leads``). A TorchScript file brings its
    own architecture: it maps ``[B, L, T]`` to ``[B, features]`` or to ``[B, tokens, features]``. Anything
    else is a state dict for a named architecture.
    """

    def __init__(self, config: DictConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        if config.source is None and setup.assets is None:
            raise EcgbenchError(
                "The method checkpoint has no weights to evaluate.",
                "Give them: checkpoint:model.source=PATH_OR_ID (and model.architecture).",
            )
        leads = config.leads or LEADS.get(config.architecture, setup.leads)
        self.order: Tensor
        self.register_buffer("order", torch.tensor(_places(leads, setup.leads)), persistent=False)
        self.encoder: nn.Module
        if config.architecture == "torchscript":
            self.encoder = _scripted(config, setup)
        else:
            self.encoder = _named(config, replace(setup, leads=tuple(leads)))

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The encoder's feature: ``[B, L, T] -> [B, features]``."""
        tokens = self._encoded(ecg)
        if isinstance(self.encoder, Tower):
            return self.encoder.pool(tokens)
        return tokens if tokens.ndim == 2 else tokens.mean(1)

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """The encoder's tokens, one where it has only a vector: ``[B, L, T] -> [B, N, width]``."""
        tokens = self._encoded(ecg)
        return tokens[:, None] if tokens.ndim == 2 else tokens

    def save_assets(self, folder: Path) -> None:
        """A scripted encoder's program; weights of a named one are in the checkpoint."""
        if isinstance(self.encoder, torch.jit.ScriptModule):
            torch.jit.save(self.encoder, folder / "encoder.torchscript")

    def _encoded(self, ecg: Tensor) -> Tensor:
        tokens: Tensor = self.encoder(ecg.index_select(1, self.order))
        return tokens


def _places(wanted: Sequence[str], given: Sequence[str]) -> list[int]:
    """Where each wanted lead is among the given ones.

    Raises:
        ConfigError: A lead is not given, or wanted twice; or it is no list.
    """
    if isinstance(wanted, str):
        raise ConfigError("model.leads takes a list.", f"Write model.leads=[{','.join(given)}].")
    unknown = [name for name in wanted if name not in given]
    if unknown or len(set(wanted)) != len(wanted):
        what = f"there is no {', '.join(unknown)}" if unknown else "a lead stands there twice"
        raise ConfigError(
            f"model.leads cannot be {', '.join(wanted)}: {what}.",
            f"Put these in the order of the weights: {', '.join(given)}.",
        )
    return [given.index(name) for name in wanted]


def _named(config: DictConfig, setup: Setup) -> Tower:
    name = str(config.architecture)
    if name not in ARCHITECTURES:
        known = ", ".join(["torchscript", *ARCHITECTURES])
        raise EcgbenchError(f"model.architecture cannot be {name!r}.", f"It takes {known}.")
    encoder, rename = ARCHITECTURES[name]
    tower = build_tower(OmegaConf.create({**config, "encoder": encoder}), setup)
    if setup.assets is None:
        tensors = read_weights(find_weights(config.source, config.file, config.revision))
        load_into(tower, tensors, config.prefix, rename)
    return tower


def _scripted(config: DictConfig, setup: Setup) -> torch.jit.ScriptModule:
    if setup.assets is not None:
        path = setup.assets / "encoder.torchscript"
    else:
        path = find_weights(config.source, config.file, config.revision)
    try:
        module: torch.jit.ScriptModule = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise EcgbenchError(
            f"{path.name} is no TorchScript program: {str(error).splitlines()[0]}",
            "For a state_dict set model.architecture to what it was made with.",
        ) from error
    return module
