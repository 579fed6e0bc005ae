"""Convolutional ECG encoders: ResNet1d-18 with MERL's attention pool, and xresnet1d101."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgbench.nn.module import TensorModule


def _conv(channels_in: int, channels: int, kernel: int, stride: int = 1) -> nn.Conv1d:
    return nn.Conv1d(channels_in, channels, kernel, stride, padding=kernel // 2, bias=False)


class BasicBlock(nn.Module):
    """Two convolutions with a shortcut (He et al. 2016), in one dimension."""

    def __init__(self, channels_in: int, channels: int, stride: int, kernel: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(channels_in, channels, kernel, stride),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            _conv(channels, channels, kernel),
            nn.BatchNorm1d(channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                _conv(channels_in, channels, 1, stride), nn.BatchNorm1d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """``[B, channels_in, T]`` to ``[B, channels, ceil(T / stride)]``."""
        return F.relu(self.body(x) + self.shortcut(x))


class ResNet1d(TensorModule):
    """A residual network of basic blocks; with two per stage it is ResNet1d-18.

    Args:
        leads: Input channels.
        widths: Channels of the stages; each but the first halves the rate.
        blocks: Blocks of each stage.
        max_pool: Whether a max pool follows the stem. MERL has none, so its stride is 16.
    """

    def __init__(
        self,
        *,
        leads: int = 12,
        widths: Sequence[int] = (64, 128, 256, 512),
        blocks: Sequence[int] = (2, 2, 2, 2),
        max_pool: bool = False,
    ) -> None:
        super().__init__()
        self.width = widths[-1]
        stem = [_conv(leads, widths[0], 7, 2), nn.BatchNorm1d(widths[0]), nn.ReLU()]
        self.stem = nn.Sequential(*stem, nn.MaxPool1d(3, 2, 1) if max_pool else nn.Identity())
        stages: list[nn.Module] = []
        previous = widths[0]
        for number, (width, depth) in enumerate(zip(widths, blocks, strict=True)):
            for position in range(depth):
                stride = 2 if number > 0 and position == 0 else 1
                stages.append(BasicBlock(previous, width, stride))
                previous = width
        self.stages = nn.Sequential(*stages)

    def forward(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` to a feature map ``[B, width, T']``."""
        out: Tensor = self.stages(self.stem(ecg))
        return out


class AttentionPool(nn.Module):
    """Pools a sequence with a learned token that attends to the sequence and to itself (as in MERL).

    Args:
        length: Maximum number of positions.
        width: Channels.
        heads: Attention heads.
        out: Channels of the result; ``width`` by default.
    """

    def __init__(self, *, length: int, width: int, heads: int, out: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.token = nn.Parameter(torch.empty(width))
        self.position = nn.Parameter(torch.empty(length, width))
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, out or width)
        nn.init.normal_(self.token, std=width**-0.5)
        nn.init.normal_(self.position, std=width**-0.5)

    def forward(self, sequence: Tensor) -> Tensor:
        """``[B, width, T]`` to ``[B, out]``."""
        x = sequence.transpose(1, 2)
        x = x + self.position[: x.shape[1]]
        x = torch.cat([self.token.to(x.dtype).expand(len(x), 1, -1), x], dim=1)
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(x[:, :1]), self.key(x), self.value(x))
        )
        mixed = F.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(1))
        return out


class XBlock(nn.Module):
    """A bottleneck with the stride in the middle convolution and an average-pooled shortcut (ResNet-D)."""

    def __init__(self, channels_in: int, inner: int, stride: int, kernel: int) -> None:
        super().__init__()
        channels = 4 * inner
        last = nn.BatchNorm1d(channels)
        nn.init.zeros_(last.weight)  # the block is initialised as its shortcut (He et al. 2019)
        self.body = nn.Sequential(
            _conv(channels_in, inner, 1),
            nn.BatchNorm1d(inner),
            nn.ReLU(),
            _conv(inner, inner, kernel, stride),
            nn.BatchNorm1d(inner),
            nn.ReLU(),
            _conv(inner, channels, 1),
            last,
        )
        shortcut: list[nn.Module] = []
        if stride != 1:
            shortcut.append(nn.AvgPool1d(stride, ceil_mode=True))
        if channels_in != channels:
            shortcut += [_conv(channels_in, channels, 1), nn.BatchNorm1d(channels)]
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, channels_in, T]`` to ``[B, 4 * inner, ceil(T / stride)]``."""
        return F.relu(self.body(x) + self.shortcut(x))


class XResNet1d(TensorModule):
    """The xresnet of fastai in one dimension; the defaults are xresnet1d101 for PTB-XL.

    Depths, widths and kernels follow the benchmark of Strodthoff et al. (IEEE JBHI 2021): every stage
    has an inner width of 64 (outer 256) and kernel 5. The feature concatenates mean and maximum over time.

    Args:
        leads: Input channels.
        widths: Inner channels of the stages.
        blocks: Blocks of each stage.
        stem: Channels of the three stem convolutions.
        kernel: Kernel of stem and bottlenecks, in samples.
    """

    def __init__(
        self,
        *,
        leads: int = 12,
        widths: Sequence[int] = (64, 64, 64, 64),
        blocks: Sequence[int] = (3, 4, 23, 3),
        stem: Sequence[int] = (32, 32, 64),
        kernel: int = 5,
    ) -> None:
        super().__init__()
        self.width = 4 * widths[-1]
        layers: list[nn.Module] = []
        previous = leads
        for number, channels in enumerate(stem):
            layers += [
                _conv(previous, channels, kernel, 2 if number == 0 else 1),
                nn.BatchNorm1d(channels),
                nn.ReLU(),
            ]
            previous = channels
        layers.append(nn.MaxPool1d(3, 2, 1))
        for number, (width, depth) in enumerate(zip(widths, blocks, strict=True)):
            for position in range(depth):
                stride = 2 if number > 0 and position == 0 else 1
                layers.append(XBlock(previous, width, stride, kernel))
                previous = 4 * width
        self.layers = nn.Sequential(*layers)
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` to a feature map ``[B, width, T']``."""
        out: Tensor = self.layers(ecg)
        return out


def concat_pool(sequence: Tensor) -> Tensor:
    """Mean and max over time: ``[B, C, T]`` to ``[B, 2 C]``."""
    return torch.cat([sequence.mean(-1), sequence.amax(-1)], dim=1)
