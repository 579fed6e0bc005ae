"""Frozen text encoders for alignment: character n-grams of reports, or any Hugging Face encoder."""

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
        name: Name for use in a sentence.
        encode: Maps texts to vectors ``[n, d]``; zeros for a text that the encoder cannot represent.
        identity: Exact identity of the encoder; stored in the result.
    """

    name: str
    encode: Callable[[Sequence[str]], NDArray[np.float64]]
    identity: dict[str, str] = field(default_factory=dict)


def tfidf_space(reports: Sequence[str], dimensions: int) -> TextSpace:
    """TF-IDF of character 3- to 5-grams, reduced by a truncated SVD (Deerwester et al. 1990).

    Character n-grams suit reports better than words, because reports use compounds and abbreviations. A
    prompt then shares parts of words with reports that do not contain its words.

    Args:
        reports: The training reports; frequent n-grams get a small weight.
        dimensions: Dimensions of the space; fewer if the reports span fewer.
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
        source: Source of the encoder's weights.
        pooling: Pooling of the tokens; ``pooler`` needs pooler weights.
        config: The section ``compute`` sets the device.

    Raises:
        EcgbenchError: The encoder cannot be loaded.
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
