"""A joint space of ECGs and texts: the method's own, or a post hoc alignment of its frozen encoder.

A method without a text tower gets a ridge regression from its features to the report vectors of a frozen text
encoder. It is fitted on the training reports. Its penalty is chosen by retrieval on the validation reports.
No labels are read. A note of the cell states the alignment, because the figures depend on the reports as
well as on the method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import NotApplicableError
from ecgbench.metrics.retrieval import ranks
from ecgbench.protocol import Bench, Records

from .settings import AlignmentSettings
from .text_space import TextSpace, pretrained_space, tfidf_space

Vectors = NDArray[np.float64]
Texts = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True)
class Space:
    """A joint space of ECGs and texts.

    Attributes:
        ecg: Maps records to unit vectors ``[n, d]``.
        text: Maps texts to unit vectors ``[n, d]``; zeros for a text that the encoder cannot represent.
        n_train: Number of training records with reports; 0 for a method's own space.
        n_val: Number of validation records with reports, for the choice of the penalty.
        choices: The chosen settings.
        notes: Sentences for readers of the figures.
    """

    ecg: Callable[[Records], Vectors]
    text: Texts
    n_train: int = 0
    n_val: int = 0
    choices: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Alignment(NamedTuple):
    """A linear map into a text encoder's space, centred on the mean report.

    Attributes:
        weights: ``[features, d]``.
        offset: ``[d]``.
        penalty: Penalty of the ridge regression.
        reciprocal_rank: Mean reciprocal rank on validation, in both directions, by penalty.
    """

    weights: Vectors
    offset: Vectors
    penalty: float
    reciprocal_rank: dict[float, float]

    def __call__(self, features: NDArray[np.floating]) -> Vectors:
        """Unit vectors ``[n, d]`` of features ``[n, features]``."""
        return unit(features @ self.weights + self.offset)


def shared_space(bench: Bench) -> Space:
    """The joint space of a cell's method. An alignment is fitted once for all cells of the method.

    Raises:
        NotApplicableError: The method has no text tower, and the data set has no reports.
    """
    if "text" in bench.info.encodes:
        return Space(
            ecg=lambda records: unit(bench.embeddings(records)),
            text=lambda texts: unit(bench.text_embeddings(texts)),
        )
    settings: AlignmentSettings = bench.settings.alignment
    return bench.once(("alignment", settings), lambda: _aligned(bench, settings))


def align(
    features: tuple[NDArray[np.floating], NDArray[np.floating]],
    vectors: tuple[Vectors, Vectors],
    val_texts: Sequence[str],
    penalties: Sequence[float],
) -> Alignment:
    """Fit the map on training records, with the best penalty on validation.

    Args:
        features: Features of the training and the validation records, ``[n, features]`` each.
        vectors: Vectors of their reports, ``[n, d]`` each, centred on the mean training report.
        val_texts: The validation reports; reports with equal text count as equally correct.
        penalties: Candidates, for features of unit variance.
    """
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(np.asarray(features[0], np.float64))
    train, val = (scaler.transform(np.asarray(part, np.float64)) for part in features)
    fits = {float(penalty): Ridge(alpha=penalty).fit(train, vectors[0]) for penalty in penalties}
    quality = {
        penalty: _reciprocal_rank(unit(fit.predict(val)) @ unit(vectors[1]).T, val_texts)
        for penalty, fit in fits.items()
    }
    # rounded, so that differences below the solver's precision do not decide
    penalty = max(quality, key=lambda candidate: round(quality[candidate], 9))
    weights = (fits[penalty].coef_ / scaler.scale_).T
    offset = fits[penalty].intercept_ - scaler.mean_ @ weights
    return Alignment(weights, offset, penalty, quality)


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """Rows scaled to length one; a row of zeros does not change."""
    values = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    scaled: Vectors = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0)
    return scaled


def _aligned(bench: Bench, settings: AlignmentSettings) -> Space:
    train, val = bench.reports("train"), bench.reports("val")
    for split, reported in (("training", train), ("validation", val)):
        if not reported.texts:
            raise NotApplicableError(
                f"{bench.info.name} has no text tower, and no {split} record of "
                f"{bench.training_data.spec.name} has a report to align it on.",
                "Take a method that encodes text, or data with reports.",
            )
    space = _text_space(bench, settings, train.texts)
    origin = unit(space.encode(train.texts)).mean(axis=0)

    def text(texts: Sequence[str]) -> Vectors:
        vectors = unit(space.encode(texts))
        return unit(np.where(vectors.any(axis=1, keepdims=True), vectors - origin, 0.0))

    found = align(
        (bench.features(train.records), bench.features(val.records)),
        (unit(space.encode(train.texts)) - origin, unit(space.encode(val.texts)) - origin),
        val.texts,
        settings.penalties,
    )
    return Space(
        ecg=lambda records: found(bench.features(records)),
        text=text,
        n_train=len(train.texts),
        n_val=len(val.texts),
        choices={
            "alignment_penalty": found.penalty,
            "alignment_reciprocal_rank": found.reciprocal_rank[found.penalty],
            **space.identity,
        },
        notes=(
            f"Aligned post hoc to {space.name} on {len(train.texts)} training reports: "
            "the method has no text tower.",
        ),
    )


def _text_space(bench: Bench, settings: AlignmentSettings, reports: Sequence[str]) -> TextSpace:
    if settings.text_encoder == "tfidf":
        return tfidf_space(reports, settings.dimensions)
    return pretrained_space(settings.text_encoder, settings.pooling, bench.config)


def _reciprocal_rank(similarity: Vectors, texts: Sequence[str]) -> float:
    found = ranks(similarity, texts)
    return float(np.mean([np.mean(1 / ways) for ways in found]))
