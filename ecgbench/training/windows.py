"""Windows of a record: what an encoder sees that takes less than a record at once.

Setting ``signal.window`` gives their length. A record's windows lie evenly from its start to its end;
their features are averaged, or the largest is taken (``signal.pool``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ecgbench.config.sections import Config
from ecgbench.method import Method, Reconstruction, Tokens
from ecgbench.nn.towers import unit


@dataclass(frozen=True)
class Windows:
    """How records are cut.

    Attributes:
        length: Samples of a window.
        starts: First sample of each window of a record.
        pool: ``mean`` or ``max`` over the windows of a record.
    """

    length: int
    starts: tuple[int, ...]
    pool: str

    def __str__(self) -> str:
        return f"{self.pool} over {len(self.starts)} windows"


def windows_of(config: Config) -> Windows | None:
    """The windows that a configuration asks for; None where the encoder sees whole records.

    Args:
        config: The effective configuration; its section ``signal`` is read.
    """
    signal = config.signal
    if signal.window is None:
        return None
    samples, length = round(signal.seconds * signal.rate), round(signal.window * signal.rate)
    count = signal.windows or math.ceil(samples / length)
    return Windows(length, _starts(samples - length, count), signal.pool)


def _starts(room: int, count: int) -> tuple[int, ...]:
    """Evenly from 0 to ``room``; a single window lies in the middle."""
    if count == 1:
        return (room // 2,)
    return tuple(round(room * i / (count - 1)) for i in range(count))


class Windowed(Method):
    """A method that sees the windows of a record one by one, with one feature of them all.

    Args:
        inner: Takes ``[B, leads, windows.length]``.
        windows: How records are cut.
    """

    def __init__(self, inner: Method, windows: Windows) -> None:
        super().__init__(inner.config, inner.setup)
        self.inner, self.windows = inner, windows

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """``[B, L, T] -> [B, features]``."""
        return self._pooled(self.inner.encode_ecg, ecg)

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """The tokens of all windows in a row: ``[B, L, T] -> [B, windows * N, features]``."""
        return self._each(self.inner.encode_tokens, ecg).flatten(1, 2)

    def embed_ecg(self, ecg: Tensor) -> Tensor:
        """``[B, L, T] -> [B, dim]``, unit vectors."""
        return unit(self._pooled(self.inner.embed_ecg, ecg))

    def embed_text(self, tokens: Tokens) -> Tensor:
        """As the method embeds them."""
        return self.inner.embed_text(tokens)

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """As the method tokenises them."""
        return self.inner.tokenize(texts)

    def reconstruct(self, ecg: Tensor) -> Reconstruction | None:
        """Of the first window."""
        return self.inner.reconstruct(self._cut(ecg)[:, 0])

    def _pooled(self, encode: Callable[[Tensor], Tensor], ecg: Tensor) -> Tensor:
        features = self._each(encode, ecg)
        return features.mean(1) if self.windows.pool == "mean" else features.amax(1)

    def _each(self, encode: Callable[[Tensor], Tensor], ecg: Tensor) -> Tensor:
        """What a method gives for each window: ``[B, L, T]`` to ``[B, windows, ...]``."""
        found = encode(self._cut(ecg).flatten(0, 1))
        return found.view(len(ecg), -1, *found.shape[1:])

    def _cut(self, ecg: Tensor) -> Tensor:
        """``[B, L, T]`` to ``[B, windows, L, length]``."""
        length = self.windows.length
        return torch.stack([ecg[..., at : at + length] for at in self.windows.starts], dim=1)


def name_of(method: Method) -> str:
    """The name of a method's class, also where it sees windows."""
    return type(method.inner if isinstance(method, Windowed) else method).__name__
