"""One space for ECGs and texts: a method's own, or one that its frozen encoder is aligned to post hoc.

A method with no text tower gets the simplest one that is the same for all: a ridge regression from its
features to the vectors that a frozen text encoder gives their reports. It is learnt on the training
reports; its penalty is the one that finds the validation reports best. No label is read. The cell's
note says so, for its figures are of the reports as much as of the method.
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
    """Where ECGs and texts meet.

    Attributes:
        ecg: Records to unit vectors ``[n, d]``.
        text: Texts to unit vectors ``[n, d]``; zeros for a text that cannot be read.
        n_train: Records with reports that it was aligned on; 0 for a method's own space.
        n_val: Records with reports that its penalty was chosen on.
        choices: What was chosen.
        notes: What a reader has to know.
    """

    ecg: Callable[[Records], Vectors]
    text: Texts
    n_train: int = 0
    n_val: int = 0
    choices: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Alignment(NamedTuple):
    """A linear map into a text encoder's space, the mean report at its origin.

    Attributes:
        weights: ``[features, d]``.
        offset: ``[d]``.
        penalty: Of the ridge regression.
        reciprocal_rank: Mean over the validation records, both ways; by penalty.
    """

    weights: Vectors
    offset: Vectors
    penalty: float
    reciprocal_rank: dict[float, float]

    def __call__(self, features: NDArray[np.floating]) -> Vectors:
        """Unit vectors ``[n, d]`` of features ``[n, features]``."""
        return unit(features @ self.weights + self.offset)


def shared_space(bench: Bench) -> Space:
    """The space of a cell's method; an aligned one is learnt once for all its cells.

    Raises:
        NotApplicableError: The method has no text tower, and the data no reports to align it on.
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
    """Fit the map on training records, with the penalty that serves validation best.

    Args:
        features: Of the training and the validation records, ``[n, features]`` each.
        vectors: Of their reports, ``[n, d]`` each, the mean training report at the origin.
        val_texts: The validation reports; equal ones are equally right.
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
    # rounded, so that a difference below what the solver resolves does not decide
    penalty = max(quality, key=lambda candidate: round(quality[candidate], 9))
    weights = (fits[penalty].coef_ / scaler.scale_).T
    offset = fits[penalty].intercept_ - scaler.mean_ @ weights
    return Alignment(weights, offset, penalty, quality)


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """Rows scaled to length one; a row of zeros stays."""
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
