"""Detection of a loss that is not finite, without synchronising with the device at every step."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ecgbench.base.errors import EcgbenchError

LOG_EVERY = 20  # steps; on a GPU also the number of steps between two checks of the loss


class LossWatch:
    """Finds the first batch whose loss is not finite.

    ``note`` runs a few operations on the device of the loss. Only ``look`` reads the outcome, so a GPU keeps
    working while the next batches are prepared.

    Args:
        method: Name of the method, for the message.
        section: Section of the configuration that holds the learning rate.
    """

    def __init__(self, method: str, section: Literal["pretrain", "finetune"]) -> None:
        self._method, self._section = method, section
        self._first: Tensor | None = None

    def note(self, loss: Tensor, step: int) -> None:
        """Record a scalar loss; check it immediately on a CPU, and every :data:`LOG_EVERY` steps elsewhere.

        Raises:
            EcgbenchError: As :meth:`look`.
        """
        bad = torch.where(torch.isfinite(loss.detach()), torch.inf, float(step))
        self._first = bad if self._first is None else torch.minimum(self._first, bad)
        if loss.device.type == "cpu" or step % LOG_EVERY == 0:
            self.look()

    def look(self) -> None:
        """Wait for the recorded losses and check them.

        Raises:
            EcgbenchError: One of them was not finite; the message names its batch.
        """
        if self._first is not None and bool(torch.isfinite(self._first)):
            raise EcgbenchError(
                f"The loss of {self._method} became NaN or infinite in section {self._section}, "
                f"at batch {int(self._first)}.",
                f"Lower {self._section}.lr, or set {self._section}.clip=1.0 and compute.precision=32.",
            )
