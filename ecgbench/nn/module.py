"""The base of blocks that give one tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn


class TensorModule(nn.Module):
    """A module whose call gives a tensor, which type checkers then know."""

    if TYPE_CHECKING:

        def __call__(self, *args: Any, **kwargs: Any) -> Tensor: ...  # noqa: D102
