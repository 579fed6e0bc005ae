"""The layout of published weights: names and shapes of every tensor, without their values.

A layout is a file ``layout.yaml`` beside a preset's card. Names and shapes are facts; they were derived
from the authors' public code, which the file names::

    source: "OWNER/NAME at COMMIT: FILE, FILE"
    tensors:
      "block{0..11}.attn.norm.weight": [768]  # stands for twelve tensors
    reference:
      features: [0.12, -0.5]  # the first features of drawn weights, computed by the authors' code

Until the published file itself was at hand, the network is held against :func:`drawn_weights`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from ecgbench.plugins.specs import read_yaml

FILE = "layout.yaml"
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


class Reference(BaseModel):
    """Features that the authors' own network gives for drawn weights and a drawn input.

    Attributes:
        source: Whose code computed them, and at which commit.
        samples: Samples of the input.
        features: The first features of the first record.
        norm: Euclidean norm of that record's features.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    samples: int
    features: tuple[float, ...]
    norm: float


class Layout(BaseModel):
    """What a published file of weights holds.

    Attributes:
        source: Repository, commit and files that names and shapes were derived from.
        tensors: Shapes by name; ``{0..11}`` in a name stands for each of these numbers.
        reference: See :class:`Reference`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    tensors: dict[str, tuple[int, ...]]
    reference: Reference | None = None

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor, every range in a name written out."""
        return {name: shape for key, shape in self.tensors.items() for name in _written_out(key)}


@cache
def read_layout(folder: Path) -> Layout:
    """The layout of the preset in a folder.

    Raises:
        PluginError: There is no such file, or it is no mapping.
    """
    return Layout.model_validate(read_yaml(folder / FILE))


def drawn_weights(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Weights of a layout, drawn from a generator that gives the same on every machine.

    Args:
        shapes: By name.
        seed: Of the generator.

    Returns:
        Matrices and kernels have a spread of one over the square root of their inputs; vectors lie
        near 0, those named ``weight`` near 1, variances above 1. Counters are 0.
    """
    rng = np.random.default_rng(seed)
    return {name: _drawn(name, shapes[name], rng) for name in sorted(shapes)}


def drawn_input(leads: int, samples: int, records: int = 2) -> Tensor:
    """Smooth noise ``[records, leads, samples]``, the same on every machine."""
    noise = np.random.default_rng(1).standard_normal((records, leads, samples + 8))
    kernel = np.hanning(11)[1:-1] / np.hanning(11).sum()
    smooth = np.apply_along_axis(np.convolve, 2, noise, kernel, mode="valid")
    return torch.from_numpy(smooth.astype(np.float32))


def _drawn(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.long)
    values = rng.standard_normal(shape)
    if name.endswith("running_var"):
        values = 1 + 0.1 * np.abs(values)
    elif len(shape) > 1:
        values = values / math.sqrt(math.prod(shape[1:]))
    else:
        values = 0.1 * values + (1 if name.endswith("weight") else 0)
    return torch.from_numpy(np.asarray(values, np.float32))


def _written_out(name: str) -> Iterator[str]:
    """Every name that a name with ranges stands for."""
    texts = _RANGE.split(name)
    if len(texts) == 1:
        yield name
        return
    ends = [(int(low), int(high)) for low, high in zip(texts[1::3], texts[2::3], strict=True)]
    for numbers in itertools.product(*(range(low, high + 1) for low, high in ends)):
        parts = [texts[0]]
        for number, text in zip(numbers, texts[3::3], strict=True):
            parts += [str(number), text]
        yield "".join(parts)
