"""The text side that every method with a text tower has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from ecgbench.method import Method, Tokens
from ecgbench.nn.text import TextEncoder
from ecgbench.nn.towers import save_text, unit


class TextSide(Method):
    """A method whose texts go through an encoder and a projection.

    Attributes:
        text: The encoder; its tokenizer is kept with the checkpoint.
        text_projection: From its pooled output into the space shared with ECGs.
    """

    text: TextEncoder
    text_projection: nn.Module

    def embed_text(self, tokens: Tokens) -> Tensor:
        """Unit vectors beside ECGs: tokens of ``B`` texts ``-> [B, dim]``."""
        return unit(self.text_projection(self.text(tokens).pooled))

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Token ids and attention masks, ``[B, S]`` each."""
        return self.text.tokenize(texts)

    def save_assets(self, folder: Path) -> None:
        """The tokenizer and the text encoder's architecture."""
        save_text(self.text, folder)
