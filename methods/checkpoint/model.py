"""Externally trained encoders, evaluated without further training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from ecgbench.methods.checkpoint.settings import CheckpointSettings
from ecgbench.methods.checkpoint.weights import (
    from_ecgbench,
    from_torchvision_resnet,
    load_into,
    read_weights,
)
from torch import Tensor, nn

from ecgbench.base.errors import EcgbenchError
from ecgbench.method import Method, Setup
from ecgbench.nn.settings import Tower as TowerName
from ecgbench.nn.towers import Tower, build_tower
from ecgbench.training.outside import find_weights

# For each architecture: our encoder, and the mapping of weight names.
ARCHITECTURES: dict[str, tuple[TowerName, Any]] = {
    "merl-resnet18": ("resnet18", from_torchvision_resnet),
    "vit": ("vit", partial(from_ecgbench, "vit")),
    "channel-vit": ("channel-vit", partial(from_ecgbench, "vit")),
    "resnet18": ("resnet18", partial(from_ecgbench, "net")),
    "xresnet101": ("xresnet101", partial(from_ecgbench, "net")),
}

# The lead order of an architecture's published weights, if known. MERL was trained on the files of
# MIMIC-IV-ECG without reordering, with aVF before aVL.
LEADS: dict[str, tuple[str, ...]] = {
    "merl-resnet18": ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"),
}


class ExternalCheckpoint(Method):
    """Wraps the encoder in ``model.source``; nothing is trained.

    The encoder receives the leads in the order of its training (``model.leads``). A TorchScript file includes
    its architecture and maps ``[B, L, T]`` to ``[B, features]`` or ``[B, tokens, features]``. All other files
    are state dicts for a named architecture.
    """

    config: CheckpointSettings

    def __init__(self, config: CheckpointSettings, setup: Setup) -> None:
        super().__init__(config, setup)
        if config.source is None and setup.assets is None:
            raise EcgbenchError(
                "The method checkpoint has no weights to evaluate.",
                "Set checkpoint:model.source=PATH_OR_ID (and model.architecture).",
            )
        leads = config.leads or LEADS.get(config.architecture) or setup.leads
        self.order: Tensor
        order = torch.tensor([setup.leads.index(name) for name in leads])
        self.register_buffer("order", order, persistent=False)
        self.encoder: nn.Module
        if config.architecture == "torchscript":
            self.encoder = _scripted(config, setup)
        else:
            self.encoder = _named(config, replace(setup, leads=leads))

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The encoder's feature: ``[B, L, T] -> [B, features]``."""
        tokens = self._encoded(ecg)
        if isinstance(self.encoder, Tower):
            return self.encoder.pool(tokens)
        return tokens if tokens.ndim == 2 else tokens.mean(1)

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """The encoder's tokens, or its vector as a single token: ``[B, L, T] -> [B, N, width]``."""
        tokens = self._encoded(ecg)
        return tokens[:, None] if tokens.ndim == 2 else tokens

    def save_assets(self, folder: Path) -> None:
        """Save the program of a TorchScript encoder; other weights are in the checkpoint."""
        if isinstance(self.encoder, torch.jit.ScriptModule):
            torch.jit.save(self.encoder, folder / "encoder.torchscript")

    def _encoded(self, ecg: Tensor) -> Tensor:
        tokens: Tensor = self.encoder(ecg.index_select(1, self.order))
        return tokens


def _named(config: CheckpointSettings, setup: Setup) -> Tower:
    encoder, rename = ARCHITECTURES[config.architecture]
    tower = build_tower(encoder, config, setup)
    if setup.assets is None:
        assert config.source is not None
        tensors = read_weights(find_weights(config.source, config.file, config.revision))
        load_into(tower, tensors, config.prefix, rename)
    return tower


def _scripted(config: CheckpointSettings, setup: Setup) -> torch.jit.ScriptModule:
    if setup.assets is not None:
        path = setup.assets / "encoder.torchscript"
    else:
        assert config.source is not None
        path = find_weights(config.source, config.file, config.revision)
    try:
        module: torch.jit.ScriptModule = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise EcgbenchError(
            f"{path.name} is not a TorchScript program: {str(error).splitlines()[0]}",
            "For a state_dict set model.architecture to its architecture.",
        ) from error
    return module
