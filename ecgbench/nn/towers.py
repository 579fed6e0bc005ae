"""ECG encoders and text encoders by name, with one face each, for methods that leave the choice open.

What a tower reads of a configuration is named in its function; sizes in time are given in seconds,
so that they hold at any sampling rate.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor, nn
from torch.nn import functional as F

from ecgbench.base.errors import ConfigError, did_you_mean
from ecgbench.method import Setup
from ecgbench.nn.resnet import ResNet1d, XResNet1d, concat_pool
from ecgbench.nn.text import (
    TextEncoder,
    pretrained_text_encoder,
    rebuild_text_encoder,
    small_text_encoder,
)
from ecgbench.nn.vit import ChannelViT, EcgViT

_TEXT_FILE = "text.json"


class Tower(nn.Module):
    """An ECG encoder: tokens by position, and one feature vector of them.

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
    """One token per (lead, time patch); the feature is pooled as the ViT's ``pool`` says."""

    def __init__(self, vit: EcgViT) -> None:
        super().__init__()
        self.vit = vit
        self.width, self.features = vit.width, vit.features

    def forward(self, ecg: Tensor) -> Tensor:
        """Normed patch tokens."""
        tokens: Tensor = self.vit(ecg)
        return tokens

    def pool(self, tokens: Tensor) -> Tensor:
        """As the ViT pools."""
        return self.vit.pool(tokens)


class ChannelViTTower(Tower):
    """One token per time patch over all leads; the feature is the normed mean token."""

    def __init__(self, vit: ChannelViT) -> None:
        super().__init__()
        self.vit = vit
        self.width = self.features = vit.width

    def forward(self, ecg: Tensor) -> Tensor:
        """Patch tokens, not normed."""
        tokens: Tensor = self.vit(ecg)
        return tokens

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
        tokens: Tensor = self.net(ecg).transpose(1, 2)
        return tokens

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
        tokens: Tensor = self.net(ecg).transpose(1, 2)
        return tokens

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean and maximum over time."""
        return concat_pool(tokens.transpose(1, 2))


def build_vit(config: DictConfig, setup: Setup) -> EcgViT:
    """An :class:`EcgViT`: ``patch`` (seconds), ``width``, ``depth``, ``heads``, ``separators``, ``pool``."""
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


def build_tower(config: DictConfig, setup: Setup) -> Tower:
    """The ECG encoder that a method's ``model`` section names.

    Args:
        config: ``encoder`` (``vit``, ``channel-vit``, ``resnet18`` or ``xresnet101``), and the section
            of its sizes: ``vit`` for both ViTs, ``resnet.widths``, ``xresnet.widths``.
        setup: The input's shape.

    Raises:
        ConfigError: There is no such encoder.
    """
    name = str(config.encoder)
    if name == "vit":
        return ViTTower(build_vit(config.vit, setup))
    if name == "channel-vit":
        sizes = config.vit
        return ChannelViTTower(
            ChannelViT(
                leads=len(setup.leads),
                samples=setup.samples,
                patch=round(sizes.patch * setup.rate),
                width=sizes.width,
                depth=sizes.depth,
                heads=sizes.heads,
            )
        )
    if name == "resnet18":
        return ResNetTower(ResNet1d(leads=len(setup.leads), widths=list(config.resnet.widths)))
    if name == "xresnet101":
        return XResNetTower(XResNet1d(leads=len(setup.leads), widths=list(config.xresnet.widths)))
    known = ("vit", "channel-vit", "resnet18", "xresnet101")
    raise ConfigError(f"model.encoder cannot be {name!r}.", did_you_mean(name, known))


def build_text(config: DictConfig, setup: Setup) -> TextEncoder:
    """The text encoder that a method's ``model.text`` section describes.

    A method that was trained before gets its own architecture and tokenizer back from the assets; its
    weights come with the checkpoint.

    Args:
        config: ``source`` (a Hugging Face id or directory; null for the small one that is trained from
            scratch), ``max_tokens``, ``frozen_layers``; and for the small one ``vocabulary``, ``width``,
            ``depth``, ``heads``.
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
    """Rows of unit length, in float32 at least."""
    return F.normalize(x.to(torch.promote_types(x.dtype, torch.float32)), dim=-1)
