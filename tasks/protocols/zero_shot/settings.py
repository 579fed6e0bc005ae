"""The settings of zero-shot classification and retrieval."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ecgbench.config.sections import ProtocolSettings
from ecgbench.config.settings import Settings

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Penalty = Annotated[float, Field(gt=0, le=1e12)]


class AlignmentSettings(Settings):
    """The alignment of a method without a text tower to a text encoder, the same for both protocols."""

    text_encoder: str = "tfidf"  # or a Hugging Face id or directory
    pooling: Literal["mean", "cls", "pooler"] = "mean"  # of the tokens
    dimensions: Annotated[int, Field(ge=1, le=65_536)] = 256
    penalties: Annotated[tuple[Penalty, ...], Field(min_length=1)] = (1.0, 10.0, 1e2, 1e3, 1e4, 1e5)


class RetrievalSettings(ProtocolSettings):
    """Retrieval in the joint space of a method, or in the space of an alignment."""

    alignment: AlignmentSettings = AlignmentSettings()


class ZeroShotSettings(RetrievalSettings):
    """Zero-shot classification by prompts.

    Attributes:
        language: Language of the prompts, ISO 639-1.
        prompts: Hash of the content by prompt file.
    """

    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    prompts: Annotated[dict[str, Sha256], Field(min_length=1)]
