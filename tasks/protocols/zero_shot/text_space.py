"""Frozen text encoders for alignment: letter statistics of the reports, or any Hugging Face encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ecgbench.config.sections import Config
    from ecgbench.nn.text import Pooling

BATCH = 64


@dataclass(frozen=True)
class TextSpace:
    """A frozen text encoder.

    Attributes:
        name: As a sentence names it.
        encode: Texts to vectors ``[n, d]``; zeros for a text that it cannot read.
        identity: What it is, exactly; goes into the result.
    """

    name: str
    encode: Callable[[Sequence[str]], NDArray[np.float64]]
    identity: dict[str, str] = field(default_factory=dict)


def tfidf_space(reports: Sequence[str], dimensions: int) -> TextSpace:
    """TF-IDF of 3 to 5 letters in a row, reduced by a truncated SVD (Deerwester et al. 1990).

    Letters and not words, for the compounds and abbreviations of reports: a prompt shares parts of words
    with reports that never spell it out.

    Args:
        reports: The training reports; what is frequent in them weighs little.
        dimensions: Of the space; fewer where the reports span fewer.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    letters = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(3, 5))
    counts = letters.fit_transform(reports)
    rank = max(1, min(dimensions, min(counts.shape) - 1))
    svd = TruncatedSVD(rank, random_state=0).fit(counts)

    def encode(texts: Sequence[str]) -> NDArray[np.float64]:
        return np.asarray(svd.transform(letters.transform(texts)), np.float64)

    return TextSpace(f"TF-IDF reduced to {rank} dimensions", encode)


def pretrained_space(source: str, pooling: Pooling, config: Config) -> TextSpace:
    """A Hugging Face encoder by id or directory, in eval mode.

    Args:
        source: Of the encoder.
        pooling: What one vector is made of; ``pooler`` only where the weights hold one.
        config: Its section ``compute`` says where it runs.

    Raises:
        EcgbenchError: It cannot be loaded.
    """
    import torch

    from ecgbench.nn.text import pretrained_text_encoder
    from ecgbench.training.device import pick_device
    from ecgbench.training.encode import state_hash

    device = pick_device(config)
    encoder = (
        pretrained_text_encoder(source, pooling=pooling).to(device).eval().requires_grad_(False)
    )

    def encode(texts: Sequence[str]) -> NDArray[np.float64]:
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        parts = []
        with torch.inference_mode():
            for start in range(0, len(distinct), BATCH):
                tokens = encoder.tokenize(distinct[start : start + BATCH])
                there = {name: value.to(device) for name, value in tokens.items()}
                parts.append(encoder(there).pooled.float().cpu().numpy())
        place = {text: row for row, text in enumerate(distinct)}
        return np.concatenate(parts).astype(np.float64)[[place[text] for text in texts]]

    identity = {"text_encoder": source, "text_encoder_sha256": state_hash(encoder)}
    return TextSpace(source, encode, identity)
