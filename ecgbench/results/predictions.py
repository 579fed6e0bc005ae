"""Predictions: what a method said of each test record, compactly and without pickle.

A ``.npz`` of plain arrays, read by :mod:`ecgbench.results.archive`:

- ``record_ids`` [n] text;
- kind ``scores``: ``classes`` [k] text, ``levels`` [n, k] int16, ``offset`` and ``step`` [k] float64, the
  score of a record and class being ``offset + step * levels``; ``thresholds`` [k] float64 where
  validation chose some. 65,536 levels a class keep AUROC to some 1e-5, in two bytes a score. Scores are
  put on this grid BEFORE anything is computed from them, so that every published figure can be
  computed again from the file to the last digit;
- kind ``texts``: ``texts`` [n] text, what was written for each record;
- kind ``ranks``: ``rank_ecg_to_text`` and ``rank_text_to_ecg`` [n] float64.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import ResultError
from ecgbench.base.hashing import file_sha256
from ecgbench.base.paths import atomic_write
from ecgbench.results.archive import read_arrays
from ecgbench.results.parts import PredictionsPart

LOWEST, HIGHEST = -32768, 32767


@dataclass(frozen=True)
class ScorePredictions:
    """One score a record and class; higher means more likely. Made by :meth:`of`.

    Attributes:
        record_ids: ``[n]`` str.
        classes: The label set's classes, in its order.
        levels: ``[n, k]`` int16.
        offset: ``[k]`` score of level 0.
        step: ``[k]`` score from a level to the next.
        thresholds: ``[k]`` from validation, NaN where it had none; None for a protocol that has none.
    """

    kind: ClassVar = "scores"

    record_ids: NDArray[np.str_]
    classes: tuple[str, ...]
    levels: NDArray[np.int16]
    offset: NDArray[np.float64]
    step: NDArray[np.float64]
    thresholds: NDArray[np.float64] | None = None

    @property
    def scores(self) -> NDArray[np.float64]:
        """``[n, k]`` scores, on the file's grid."""
        return self.offset + self.step * self.levels

    @classmethod
    def of(
        cls,
        record_ids: NDArray[np.str_],
        classes: tuple[str, ...],
        scores: NDArray[np.floating],
        thresholds: NDArray[np.float64] | None = None,
    ) -> ScorePredictions:
        """Put scores ``[n, k]`` on the grid: each class's range in 65,536 equal levels.

        Raises:
            ResultError: A score is NaN or infinite.
        """
        values = np.asarray(scores, np.float64)
        if not np.isfinite(values).all():
            count = int((~np.isfinite(values)).sum())
            raise ResultError(f"{count} of {values.size} scores are NaN or infinite.")
        low, high = values.min(axis=0), values.max(axis=0)
        step = np.where(high > low, (high - low) / (HIGHEST - LOWEST), 1.0)
        levels = (np.rint((values - low) / step) + LOWEST).clip(LOWEST, HIGHEST).astype(np.int16)
        return cls(record_ids, classes, levels, low - step * LOWEST, step, thresholds)


@dataclass(frozen=True)
class TextPredictions:
    """A text a record."""

    kind: ClassVar = "texts"

    record_ids: NDArray[np.str_]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class RankPredictions:
    """The rank of a record's own report among all, and of a report's own record; 1 is best."""

    kind: ClassVar = "ranks"

    record_ids: NDArray[np.str_]
    ecg_to_text: NDArray[np.float64]
    text_to_ecg: NDArray[np.float64]


Predictions = ScorePredictions | TextPredictions | RankPredictions


def write_predictions(path: Path, predictions: Predictions) -> PredictionsPart:
    """Write predictions and say what the result has to say of them."""
    arrays: dict[str, NDArray[np.generic]] = {"record_ids": np.asarray(predictions.record_ids, str)}
    if isinstance(predictions, ScorePredictions):
        arrays |= {"classes": np.asarray(predictions.classes, str), "levels": predictions.levels}
        arrays |= {"offset": predictions.offset, "step": predictions.step}
        if predictions.thresholds is not None:
            arrays["thresholds"] = np.asarray(predictions.thresholds, np.float64)
    elif isinstance(predictions, TextPredictions):
        arrays["texts"] = np.asarray(predictions.texts, str)
    else:
        arrays["rank_ecg_to_text"] = np.asarray(predictions.ecg_to_text, np.float64)
        arrays["rank_text_to_ecg"] = np.asarray(predictions.text_to_ecg, np.float64)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    atomic_write(path, buffer.getvalue())
    return PredictionsPart.model_validate(
        {"file": path.name, "sha256": file_sha256(path), "kind": predictions.kind}
    )


MEMBERS = {
    **dict.fromkeys(("record_ids", "classes", "texts"), "text"),
    "levels": "int16",
    **dict.fromkeys(("offset", "step", "thresholds"), "float64"),
    **dict.fromkeys(("rank_ecg_to_text", "rank_text_to_ecg"), "float64"),
}
BY_CLASS = {"classes", "offset", "step", "thresholds"}
OPTIONAL = {"thresholds"}
KINDS = (
    {"record_ids", "levels", *BY_CLASS},
    {"record_ids", "texts"},
    {"record_ids", "rank_ecg_to_text", "rank_text_to_ecg"},
)


def read_predictions(path: Path) -> Predictions:
    """Read predictions, in bounded time and memory.

    Raises:
        ResultError: It is no such file, or its arrays do not fit each other.
    """
    arrays = read_arrays(path, MEMBERS)
    names = set(arrays)
    kind = next((kind for kind in KINDS if kind - OPTIONAL <= names <= kind), None)
    if kind is None:
        raise ResultError(f"{path} holds no predictions: {', '.join(sorted(names)) or 'nothing'}.")
    n, k = len(arrays["record_ids"].ravel()), len(arrays.get("classes", np.empty(0)).ravel())
    for name, array in arrays.items():
        wanted = (n, k) if name == "levels" else (k,) if name in BY_CLASS else (n,)
        if array.shape != wanted:
            raise ResultError(
                f"{path} holds no predictions: {name} has shape {array.shape}, not {wanted}."
            )
    ids = arrays["record_ids"]
    if "levels" in arrays:
        classes = tuple(str(name) for name in arrays["classes"])
        grid = arrays["offset"], arrays["step"]
        return ScorePredictions(ids, classes, arrays["levels"], *grid, arrays.get("thresholds"))
    if "texts" in arrays:
        return TextPredictions(ids, tuple(str(text) for text in arrays["texts"]))
    return RankPredictions(ids, arrays["rank_ecg_to_text"], arrays["rank_text_to_ecg"])
