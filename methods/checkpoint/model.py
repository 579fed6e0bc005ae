"""Externally trained encoders, evaluated without further training."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import torch
from ecgbench.methods.checkpoint.programs import FILES, checked_batches, read_program
from ecgbench.methods.checkpoint.settings import CheckpointSettings
from torch import Tensor, nn

from ecgbench.base.errors import EcgbenchError
from ecgbench.method import Method, Setup
from ecgbench.nn.settings import Tower as TowerName
from ecgbench.nn.towers import Tower, build_tower
from ecgbench.published.weights import fill, read_weights
from ecgbench.training.outside import find_weights

# What a tower of ours calls its network: methods that always have a ViT have it bare.
INSIDE: dict[TowerName, str] = {
    "vit": "vit",
    "channel-vit": "vit",
    "resnet18": "net",
    "xresnet101": "net",
}


class ExternalCheckpoint(Method):
    """Wraps the encoder in ``model.source``; nothing is trained.

    The encoder receives the leads in the order of its training (``model.leads``). A program of
    TorchScript or torch.export brings its own architecture: it maps ``[B, L, T]`` to ``[B, features]`` or
    to ``[B, tokens, features]``. Any other file is a state dict for one of ecgbench's own encoders.
    """

    config: CheckpointSettings

    def __init__(self, config: CheckpointSettings, setup: Setup) -> None:
        super().__init__(config, setup)
        if config.source is None and setup.assets is None:
            raise EcgbenchError(
                "The method checkpoint has no weights to evaluate.",
                "Set checkpoint:model.source=PATH_OR_ID (and model.architecture).",
            )
        leads = config.leads or setup.leads
        self.order: Tensor
        order = torch.tensor([setup.leads.index(name) for name in leads])
        self.register_buffer("order", order, persistent=False)
        self.program: Path | None = None
        self.encoder: nn.Module
        kind = config.architecture
        if kind == "exported" or kind == "torchscript":
            self.program = setup.assets / FILES[kind] if setup.assets is not None else _file(config)
            program = read_program(kind, self.program)
            self.encoder = checked_batches(program, len(leads), setup.samples)
        else:
            self.encoder = _named(config, replace(setup, leads=leads), kind)

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
        """Save a program, which includes its architecture; other weights are in the checkpoint."""
        if self.program is not None:
            shutil.copyfile(self.program, folder / FILES[self.config.architecture])

    def _encoded(self, ecg: Tensor) -> Tensor:
        tokens: Tensor = self.encoder(ecg.index_select(1, self.order))
        return tokens


def _named(config: CheckpointSettings, setup: Setup, name: TowerName) -> Tower:
    tower = build_tower(name, config, setup)
    if setup.assets is None:
        tensors = read_weights(_file(config))
        inside = INSIDE[name]
        names = {rf"^(?!{inside}\.)": f"{inside}."}
        fill(tower, tensors, names, {}, f"the architecture {name}", config.prefix)
    return tower


def _file(config: CheckpointSettings) -> Path:
    assert config.source is not None
    return find_weights(config.source, config.file, config.revision)
