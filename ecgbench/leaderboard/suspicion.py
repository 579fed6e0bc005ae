"""What no honest method is likely to predict: the answers themselves, or another method's predictions.

A suspicion is no proof: predictions alone cannot show how they were made. Each names the cell, so that a
maintainer reproduces it before the row stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import ResultError
from ecgbench.evaluation.ground_truth import Truth
from ecgbench.results.parts import Scores
from ecgbench.results.predictions import (
    Predictions,
    RankPredictions,
    ScorePredictions,
    TextPredictions,
    read_predictions,
)
from ecgbench.results.schema import Result

ENOUGH = 5  # positives of a class, from where perfect separation is suspicious
RECORDS = 20  # fewer say nothing of ranks, texts and correlations
SHARE = 0.95  # of ranks or texts
ALIKE = 0.999  # mean rank correlation over classes


def too_perfect(predictions: Predictions, truth: Truth, again: Scores) -> Iterator[str]:
    """Whether predictions are the answers, or nearly so.

    Args:
        predictions: Predictions of a cell.
        truth: Of its test records.
        again: Its figures, computed from both.
    """
    if isinstance(predictions, RankPredictions):
        for way, ranks in (
            ("reports", predictions.ecg_to_text),
            ("ECGs", predictions.text_to_ecg),
        ):
            if len(ranks) >= RECORDS and float(np.mean(ranks <= 1)) >= SHARE:
                yield f"is suspiciously perfect: nearly all {way} have rank 1"
    elif isinstance(predictions, TextPredictions):
        pairs = list(zip(predictions.texts, truth.texts, strict=False))
        same = sum(_plain(one) == _plain(other) for one, other in pairs)
        if len(pairs) >= RECORDS and same >= SHARE * len(pairs):
            yield f"is suspiciously perfect: {same} of {len(pairs)} texts are the references"
    judged = [c for c in again.classes if c.positives >= ENOUGH and c.auroc.value is not None]
    perfect = [c.name for c in judged if c.auroc.value == 1.0]
    if len(judged) > 1 and len(perfect) > len(judged) / 2:
        yield (
            f"is suspiciously perfect: {len(perfect)} of {len(judged)} classes with {ENOUGH} or more "
            "positives are separated without an error, as by the test labels themselves"
        )


def copies(
    found: Sequence[tuple[Path, Result]], chosen: Sequence[Path]
) -> Iterator[tuple[str, str]]:
    """Cells whose scores order the records as another method's do, though the files differ.

    Identical files are left out: tables show them as one row with both names.

    Args:
        found: All results, with their files.
        chosen: Those that are compared with all others.

    Yields:
        A cell, and whose predictions it has.
    """
    wanted = {path.resolve() for path in chosen}
    by_question: defaultdict[str, list[tuple[Path, Result]]] = defaultdict(list)
    for path, result in found:
        if result.status == "ok" and result.protocol.predicts == "scores" and result.predictions:
            by_question[result.cell].append((path, result))
    for _, cells in sorted(by_question.items()):
        if any(path.resolve() in wanted for path, _ in cells):
            yield from _alike(cells, wanted)


def _alike(cells: Sequence[tuple[Path, Result]], wanted: set[Path]) -> Iterator[tuple[str, str]]:
    """As :func:`copies`, of one question: one line a row and the other row."""
    known = [(path, result, order) for path, result in cells if (order := _order(path)) is not None]
    shapes = {order.shape for _, _, order in known}
    said: set[tuple[str, str]] = set()
    for shape in shapes:
        group = [one for one in known if one[2].shape == shape]
        orders = np.stack([order.ravel() for _, _, order in group])
        varying = np.array([np.count_nonzero(np.any(order, axis=0)) for _, _, order in group])
        likeness = orders @ orders.T / np.maximum(1, np.maximum.outer(varying, varying))
        for i, j in np.argwhere(likeness > ALIKE):
            (path, one, _), (_, other, _) = group[i], group[j]
            if one.method.name == other.method.name or path.resolve() not in wanted:
                continue
            pair = (min(one.row, other.row), max(one.row, other.row))
            if _same_bytes(one, other) or pair in said:
                continue
            said.add(pair)
            yield (
                one.key,
                f"orders the test records as {other.key} does (rank correlation "
                f"{likeness[i, j]:.5f} over all classes): a copy, or the same model",
            )


def _same_bytes(one: Result, other: Result) -> bool:
    hashes = {result.predictions.sha256 for result in (one, other) if result.predictions}
    return len(hashes) == 1


def _order(path: Path) -> NDArray[np.float32] | None:
    """Standardised ranks ``[n, k]`` of a cell's scores, 0 for a class whose scores are all equal."""
    from scipy.stats import rankdata

    try:
        predictions = read_predictions(path.with_suffix(".npz"))
    except ResultError:
        return None  # named elsewhere
    if not isinstance(predictions, ScorePredictions) or len(predictions.levels) < RECORDS:
        return None
    ranks = rankdata(predictions.levels, axis=0)
    ranks -= ranks.mean(axis=0)
    norm = np.sqrt((ranks**2).sum(axis=0))
    standard: NDArray[np.float32] = (ranks / np.where(norm > 0, norm, 1)).astype(np.float32)
    return standard


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
