"""The interface of a method.

A method is a folder with a ``config.yaml`` (read as :class:`ecgbench.plugins.MethodInfo`), a card
(``README.md``) and a :class:`Method`. The :class:`Method` is a torch module. It defines the pre-training
loss, encodes ECGs and, if it has a text tower, encodes text. The harness owns everything else: signals,
splits, seeds, the optimiser and its schedule, devices, precision and checkpoints. Author's code is a model
and its losses::

    class MeanPool(Method):
        def __init__(self, config, setup):
            super().__init__(config, setup)
            self.stem = nn.Conv1d(len(setup.leads), config.width, 25, stride=5)

        def losses(self, batch):                       # not needed without pre-training
            return {"loss": ...}

        def encode_ecg(self, ecg):                     # [B, leads, samples] -> [B, features]
            return self.stem(ecg).relu().mean(-1)

The conformance kit checks these laws:

- All tensors are made on the device of the input, so all code also runs on torch's meta device.
- In eval mode, encoding is deterministic and changes no state.
- In eval mode, the features of a record do not depend on the rest of the batch.
- Every trainable parameter gets a gradient from ``losses``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ecgbench.base.errors import EcgbenchError

Tokens = dict[str, Tensor]


@dataclass(frozen=True)
class Setup:
    """What the harness passes to the constructor of a method.

    Attributes:
        leads: Names of the leads, in the order of the input's rows.
        rate: Samples per second.
        samples: Number of samples per lead of one input.
        reports: The distinct training reports, sorted, for a tokenizer. Empty without reports.
        assets: Folder that :meth:`Method.save_assets` wrote; None for a new method.
    """

    leads: tuple[str, ...]
    rate: float
    samples: int
    reports: Sequence[str] = ()
    assets: Path | None = None


@dataclass
class Batch:
    """Records to train on.

    Attributes:
        ecg: ``[B, leads, samples]``, filtered and scaled as the method's config says.
        tokens: Output of :meth:`Method.tokenize` for the reports, rows as in ``ecg``. None for a method
            that takes no reports. A record without a report has the tokens of the empty text.
        text_id: ``[B]``, equal for equal reports, -1 for no report. None if ``tokens`` is None.
    """

    ecg: Tensor
    tokens: Tokens | None = None
    text_id: Tensor | None = None

    def with_reports(self, title: str) -> tuple[Tokens, Tensor]:
        """The tokens and the ``text_id`` of the reports.

        Args:
            title: Title of the method for messages.

        Raises:
            EcgbenchError: The batch has no reports.
        """
        if self.tokens is None or self.text_id is None:
            raise EcgbenchError(f"{title} learns from reports, and the corpus has none.")
        return self.tokens, self.text_id

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device; pinned memory is copied without waiting for the device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """The same batch in page-locked memory, which a GPU reads while the next batch is gathered."""
        return self._each(torch.Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        return Batch(
            change(self.ecg),
            None if self.tokens is None else {k: change(v) for k, v in self.tokens.items()},
            None if self.text_id is None else change(self.text_id),
        )


@dataclass
class Reconstruction:
    """A masked input and its reconstruction, for pictures.

    Attributes:
        target: ``[B, leads, samples]``, the signal to reconstruct.
        output: ``[B, leads, samples]``, the reconstruction.
        hidden: ``[B, leads, samples]`` bool, True where the method did not see the input.
    """

    target: Tensor
    output: Tensor
    hidden: Tensor


class Method(nn.Module):
    """Base class of methods. The docstring of this module lists the laws.

    Args:
        config: Section ``model`` of the effective configuration. Its class is the settings class that the
            method names. Without one, a class with the types of the values in ``config.yaml`` is made.
        setup: The input's shape, the reports, the assets.
    """

    config: Any
    """A method with a settings class repeats this line with the class, so that type checkers know it."""

    def __init__(self, config: Any, setup: Setup) -> None:
        super().__init__()
        self.config = config
        self.setup = setup

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The pre-training loss of one batch.

        Returns:
            Scalars by name. The harness minimises ``loss`` and logs the others. The harness also keeps the
            moving average of the weights (``pretrain.ema``).

        Raises:
            EcgbenchError: The method is not pre-trained.
        """
        raise EcgbenchError(
            f"{type(self).__name__} has no pre-training loss.", "Set pretrain.steps=0 for it."
        )

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """Features for the probe: ``[B, leads, samples] -> [B, features]``."""
        raise EcgbenchError(f"{type(self).__name__} does not encode ECGs.")

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """Features by position, for a language model: ``[B, leads, samples] -> [B, tokens, features]``.

        By default the feature vector of :meth:`encode_ecg` is the only token.
        """
        return self.encode_ecg(ecg).unsqueeze(1)

    def embed_ecg(self, ecg: Tensor) -> Tensor:
        """Unit vectors in the space shared with text: ``[B, leads, samples] -> [B, dim]``."""
        raise EcgbenchError(f"{type(self).__name__} has no text tower.")

    def embed_text(self, tokens: Tokens) -> Tensor:
        """Unit vectors in the space shared with ECGs: tokens of ``B`` texts ``-> [B, dim]``."""
        raise EcgbenchError(f"{type(self).__name__} has no text tower.")

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Tensors for ``B`` texts, each ``[B, ...]``, on the CPU."""
        raise EcgbenchError(f"{type(self).__name__} takes no text.")

    def reconstruct(self, ecg: Tensor) -> Reconstruction | None:
        """A masked input and its reconstruction; None for a method that reconstructs nothing."""
        return None

    def save_assets(self, folder: Path) -> None:
        """Write files that hold no weights, e.g. a tokenizer, into a folder; see ``setup.assets``."""


@dataclass(frozen=True)
class Parameters:
    """Number of parameters of a method."""

    total: int
    trainable: int
    by_part: dict[str, int] = field(default_factory=dict)


def count_parameters(method: nn.Module) -> Parameters:
    """Count a method's parameters, in total and per direct child module."""
    total = sum(p.numel() for p in method.parameters())
    trainable = sum(p.numel() for p in method.parameters() if p.requires_grad)
    parts: dict[str, Any] = {
        name: sum(p.numel() for p in child.parameters()) for name, child in method.named_children()
    }
    return Parameters(total, trainable, {name: count for name, count in parts.items() if count})
