"""The contract of a method: what is compared.

A method is a folder with a ``config.yaml`` (read as :class:`ecgbench.plugins.MethodInfo`), a card
(``README.md``) and a :class:`Method`: a torch module that says its pre-training loss and encodes ECGs,
and where it can text. The harness owns everything around it: signals, splits, seeds, the optimiser and
its schedule, devices, precision, checkpoints. So a method is its model and its losses, and no more::

    class MeanPool(Method):
        def __init__(self, config, setup):
            super().__init__(config, setup)
            self.stem = nn.Conv1d(len(setup.leads), config.width, 25, stride=5)

        def losses(self, batch):                       # left out by what is not pre-trained
            return {"loss": ...}

        def encode_ecg(self, ecg):                     # [B, leads, samples] -> [B, features]
            return self.stem(ecg).relu().mean(-1)

Laws that the conformance kit checks: no tensor is made on another device than the input's (so
everything also runs on torch's meta device); in eval mode encoding is deterministic, changes no
state, and gives a record the same features whatever the rest of its batch; every trainable parameter
gets a gradient from ``losses``.
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
    """What the harness tells a method when it makes one.

    Attributes:
        leads: Names of the leads, in the order of the input's rows.
        rate: Samples a second.
        samples: Samples of one input.
        reports: The distinct training reports, sorted; empty where there are none. For a tokenizer.
        assets: Folder that :meth:`Method.save_assets` once filled; None for a new method.
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
        tokens: What :meth:`Method.tokenize` made of the reports, rows as in ``ecg``; None for a method
            that takes none. A record without a report has the tokens of the empty text.
        text_id: ``[B]``, equal for equal reports, -1 for none; None where ``tokens`` is.
    """

    ecg: Tensor
    tokens: Tokens | None = None
    text_id: Tensor | None = None

    def with_reports(self, title: str) -> tuple[Tokens, Tensor]:
        """The tokens and the ``text_id`` of the reports.

        Args:
            title: What a message calls the method.

        Raises:
            EcgbenchError: There are none.
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
    """A masked input and what a method makes of it, for pictures.

    Attributes:
        target: ``[B, leads, samples]``, what was to be found.
        output: ``[B, leads, samples]``.
        hidden: ``[B, leads, samples]`` bool, True where the method did not see the input.
    """

    target: Tensor
    output: Tensor
    hidden: Tensor


class Method(nn.Module):
    """What is compared. See the module's text for the laws.

    Args:
        config: Section ``model`` of the effective configuration: of the settings class that the method
            names, or of one with the types of the values in its ``config.yaml``.
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
            Scalars by name; ``loss`` is minimised, the others are logged. An ``EMA`` of the weights and
            the like are the harness's (``pretrain.ema``).

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

        A method that has none gives its one vector as one token.
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
        """Write what is no tensor (a tokenizer) into an existing folder; read again by ``setup.assets``."""


@dataclass(frozen=True)
class Parameters:
    """How large a method is."""

    total: int
    trainable: int
    by_part: dict[str, int] = field(default_factory=dict)


def count_parameters(method: nn.Module) -> Parameters:
    """Count a method's parameters, in all and by its direct children."""
    total = sum(p.numel() for p in method.parameters())
    trainable = sum(p.numel() for p in method.parameters() if p.requires_grad)
    parts: dict[str, Any] = {
        name: sum(p.numel() for p in child.parameters()) for name, child in method.named_children()
    }
    return Parameters(total, trainable, {name: count for name, count in parts.items() if count})
