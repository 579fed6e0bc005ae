"""ECGFounder's Net1D (Li et al., NEJM AI 2025) with its published weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ecgbench.methods.published.ecgfounder.settings import ECGFounderSettings
from torch import Tensor, nn
from torch.nn import functional as F

from ecgbench.nn.towers import Tower
from ecgbench.plugins.published import preset_in
from ecgbench.published.encoder import PublishedEncoder
from ecgbench.published.weights import Names

KERNEL = 16
GROUP = 16  # channels of a group
STRIDE = 2


class SameConv(nn.Conv1d):
    """A convolution that pads with zeros, so that ``T`` samples become ``ceil(T / stride)``."""

    def forward(self, input: Tensor) -> Tensor:
        """``[B, C, T]`` to ``[B, C', ceil(T / stride)]``; the right end gets the odd zero."""
        length, stride = input.shape[-1], self.stride[0]
        room = max(0, (-(-length // stride) - 1) * stride + self.kernel_size[0] - length)
        return super().forward(F.pad(input, (room // 2, room - room // 2)))


class Bottleneck(nn.Module):
    """Three convolutions with swish before each, weighted by channel, beside the input.

    The published network has batch norms in its file and runs without them.

    Args:
        channels_in: Channels of the input.
        channels: Channels of the output.
        stride: Of the grouped convolution; the input is pooled by as much.
        first: Whether the input has been activated already.
    """

    def __init__(self, channels_in: int, channels: int, stride: int, first: bool) -> None:
        super().__init__()
        self.stride, self.first = stride, first
        self.narrow = SameConv(channels_in, channels, 1)
        self.middle = SameConv(channels, channels, KERNEL, stride, groups=channels // GROUP)
        self.widen = SameConv(channels, channels, 1)
        self.squeeze = nn.Linear(channels, channels // 2)
        self.excite = nn.Linear(channels // 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, channels_in, T]`` to ``[B, channels, ceil(T / stride)]``."""
        narrow = self.narrow(x if self.first else F.silu(x))
        out: Tensor = self.widen(F.silu(self.middle(F.silu(narrow))))
        weights: Tensor = self.excite(F.silu(self.squeeze(out.mean(-1)))).sigmoid()
        shortcut = x
        if self.stride > 1:
            room = self.stride - 1
            shortcut = F.max_pool1d(F.pad(x, (room // 2, room - room // 2)), self.stride)
        missing = out.shape[1] - x.shape[1]
        shortcut = F.pad(shortcut, (0, 0, missing // 2, missing - missing // 2))
        return out * weights[..., None] + shortcut


class Net1d(Tower):
    """Seven stages, each of which halves the rate; the feature is the mean over time.

    Args:
        leads: Input channels.
        stem: Channels of the first convolution.
        widths: Channels of the stages.
        blocks: Blocks of each stage.
    """

    def __init__(self, leads: int, stem: int, widths: Sequence[int], blocks: Sequence[int]) -> None:
        super().__init__()
        self.stem = SameConv(leads, stem, KERNEL, STRIDE)
        self.stages = nn.ModuleList()
        previous = stem
        for number, (width, depth) in enumerate(zip(widths, blocks, strict=True)):
            stage = nn.Sequential()
            for place in range(depth):
                stride = STRIDE if place == 0 else 1
                stage.append(Bottleneck(previous, width, stride, first=number == place == 0))
                previous = width
            self.stages.append(stage)
        self.width = self.features = previous

    def forward(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` to tokens ``[B, N, width]``, one per position of the feature map."""
        x = F.silu(self.stem(ecg))
        for stage in self.stages:
            x = stage(x)
        tokens: Tensor = x.transpose(1, 2)
        return tokens

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean over time."""
        return tokens.mean(1)


class ECGFounder(PublishedEncoder):
    """The twelve-lead network without its head of 150 diagnoses."""

    preset = preset_in(__file__, "config.yaml")
    names: ClassVar[Names] = {
        r"^first_conv\.conv\.": "stem.",
        r"^stage_list\.(\d)\.block_list\.(\d)\.": r"stages.\1.\2.",
        r"\.conv1\.conv\.": ".narrow.",
        r"\.conv2\.conv\.": ".middle.",
        r"\.conv3\.conv\.": ".widen.",
        r"\.se_fc1\.": ".squeeze.",
        r"\.se_fc2\.": ".excite.",
    }

    def network(self, config: ECGFounderSettings, samples: int) -> Tower:
        """A Net1D."""
        return Net1d(
            len(self.preset.leads),
            config.network.stem,
            config.network.widths,
            config.network.blocks,
        )
