"""Text encoding, shared by all methods with a text tower."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from ecgbench.method import Method, Tokens
from ecgbench.nn.text import TextEncoder
from ecgbench.nn.towers import save_text, unit


class TextSide(Method):
    """A method that encodes texts with an encoder and a projection.

    Attributes:
        text: The text encoder; the checkpoint includes its tokenizer.
        text_projection: Maps the pooled output of the text encoder into the space shared with ECGs.
    """

    text: TextEncoder
    text_projection: nn.Module

    def embed_text(self, tokens: Tokens) -> Tensor:
        """Embed texts as unit vectors in the space of the ECGs: tokens of ``B`` texts ``-> [B, dim]``."""
        return unit(self.text_projection(self.text(tokens).pooled))

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Token ids and attention masks, ``[B, S]`` each."""
        return self.text.tokenize(texts)

    def save_assets(self, folder: Path) -> None:
        """The tokenizer and the text encoder's architecture."""
        save_text(self.text, folder)
