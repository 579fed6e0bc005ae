"""ECG encoders and text encoders by name, with a common interface, for methods with a configurable encoder.

Sizes in time are given in seconds, so that they hold at any sampling rate.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgbench.method import Setup
from ecgbench.nn.module import TensorModule
from ecgbench.nn.resnet import ResNet1d, XResNet1d, concat_pool
from ecgbench.nn.settings import Sizes, Text, Vit
from ecgbench.nn.settings import Tower as TowerName
from ecgbench.nn.text import (
    TextEncoder,
    pretrained_text_encoder,
    rebuild_text_encoder,
    small_text_encoder,
)
from ecgbench.nn.vit import ChannelViT, EcgViT

_TEXT_FILE = "text.json"


class Tower(TensorModule):
    """An ECG encoder: tokens by position, and a feature vector computed from them.

    Attributes:
        width: Channels of the tokens.
        features: Length of the feature vector.
    """

    width: int
    features: int

    @abstractmethod
    def forward(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` to tokens ``[B, N, width]``."""

    @abstractmethod
    def pool(self, tokens: Tensor) -> Tensor:
        """``[B, N, width]`` to ``[B, features]``."""


class ViTTower(Tower):
    """One token per (lead, time patch); the option ``pool`` of the ViT defines the feature."""

    def __init__(self, vit: EcgViT) -> None:
        super().__init__()
        self.vit = vit
        self.width, self.features = vit.width, vit.features

    def forward(self, ecg: Tensor) -> Tensor:
        """Normed patch tokens."""
        return self.vit(ecg)

    def pool(self, tokens: Tensor) -> Tensor:
        """Pool with the ViT."""
        return self.vit.pool(tokens)


class ChannelViTTower(Tower):
    """One token per time patch over all leads; the feature is the normed mean token."""

    def __init__(self, vit: ChannelViT) -> None:
        super().__init__()
        self.vit = vit
        self.width = self.features = vit.width

    def forward(self, ecg: Tensor) -> Tensor:
        """Patch tokens, not normed."""
        return self.vit(ecg)

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean over times, then LayerNorm."""
        return self.vit.pool(tokens)


class ResNetTower(Tower):
    """One token per position of the feature map; the feature is their mean."""

    def __init__(self, net: ResNet1d) -> None:
        super().__init__()
        self.net = net
        self.width = self.features = net.width

    def forward(self, ecg: Tensor) -> Tensor:
        """The feature map, time first."""
        return self.net(ecg).transpose(1, 2)

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean over time."""
        return tokens.mean(1)


class XResNetTower(Tower):
    """One token per position of the feature map; the feature is their mean and maximum."""

    def __init__(self, net: XResNet1d) -> None:
        super().__init__()
        self.net = net
        self.width, self.features = net.width, 2 * net.width

    def forward(self, ecg: Tensor) -> Tensor:
        """The feature map, time first."""
        return self.net(ecg).transpose(1, 2)

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean and maximum over time."""
        return concat_pool(tokens.transpose(1, 2))


def build_vit(config: Vit, setup: Setup) -> EcgViT:
    """An :class:`EcgViT` of some sizes."""
    return EcgViT(
        leads=len(setup.leads),
        samples=setup.samples,
        patch=round(config.patch * setup.rate),
        width=config.width,
        depth=config.depth,
        heads=config.heads,
        separators=config.separators,
        pool=config.pool,
    )


def build_tower(encoder: TowerName, sizes: Sizes, setup: Setup) -> Tower:
    """An ECG encoder by name.

    Args:
        encoder: Its name.
        sizes: ``vit`` for both ViTs, ``resnet`` or ``xresnet``.
        setup: Shape of the input.
    """
    leads = len(setup.leads)
    if encoder == "vit":
        return ViTTower(build_vit(sizes.vit, setup))
    if encoder == "channel-vit":
        vit = sizes.vit
        return ChannelViTTower(
            ChannelViT(
                leads=leads,
                samples=setup.samples,
                patch=round(vit.patch * setup.rate),
                width=vit.width,
                depth=vit.depth,
                heads=vit.heads,
            )
        )
    if encoder == "resnet18":
        return ResNetTower(ResNet1d(leads=leads, widths=sizes.resnet.widths))
    return XResNetTower(XResNet1d(leads=leads, widths=sizes.xresnet.widths))


def build_text(config: Text, setup: Setup) -> TextEncoder:
    """A text encoder: a published one, or a small one.

    For a trained method the architecture and tokenizer come from the assets, and the weights from the
    checkpoint.

    Args:
        config: Which encoder; for the small one, trained from scratch, also its sizes.
        setup: Training reports and assets.
    """
    if setup.assets is not None:
        encoder = rebuild_text_encoder(json.loads((setup.assets / _TEXT_FILE).read_text("utf-8")))
    elif config.source is not None:
        encoder = pretrained_text_encoder(config.source, max_tokens=config.max_tokens)
    else:
        encoder = small_text_encoder(
            setup.reports,
            vocabulary=config.vocabulary,
            width=config.width,
            depth=config.depth,
            heads=config.heads,
            max_tokens=config.max_tokens,
        )
    encoder.freeze_layers(config.frozen_layers)
    return encoder


def save_text(encoder: TextEncoder, folder: Path) -> None:
    """Write a text encoder's architecture and tokenizer for :func:`build_text` to read."""
    description: dict[str, Any] = encoder.describe()
    text = json.dumps(description, ensure_ascii=False, sort_keys=True, indent=1)
    (folder / _TEXT_FILE).write_text(text + "\n", encoding="utf-8")


def projection(width_in: int, width: int, out: int) -> nn.Sequential:
    """A two-layer GELU map into the space that ECGs and texts share."""
    return nn.Sequential(nn.Linear(width_in, width), nn.GELU(), nn.Linear(width, out))


def unit(x: Tensor) -> Tensor:
    """Rows scaled to unit length, at least in float32."""
    return F.normalize(x.to(torch.promote_types(x.dtype, torch.float32)), dim=-1)
