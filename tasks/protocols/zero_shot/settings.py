"""What the settings of zero-shot classification and retrieval may be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ecgbench.config.sections import ProtocolSettings
from ecgbench.config.settings import Settings

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Penalty = Annotated[float, Field(gt=0, le=1e12)]


class AlignmentSettings(Settings):
    """How a method with no text tower is aligned to a text encoder; the same for both protocols."""

    text_encoder: str = "tfidf"  # or a Hugging Face id or directory
    pooling: Literal["mean", "cls", "pooler"] = "mean"  # of its tokens
    dimensions: Annotated[int, Field(ge=1, le=65_536)] = 256
    penalties: Annotated[tuple[Penalty, ...], Field(min_length=1)] = (1.0, 10.0, 1e2, 1e3, 1e4, 1e5)


class RetrievalSettings(ProtocolSettings):
    """Retrieval in the space of a method, or in one that it is aligned to."""

    alignment: AlignmentSettings = AlignmentSettings()


class ZeroShotSettings(RetrievalSettings):
    """Zero-shot classification by prompts.

    Attributes:
        language: Of the prompts, ISO 639-1.
        prompts: By prompt file, the hash of its content.
    """

    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    prompts: Annotated[dict[str, Sha256], Field(min_length=1)]
