"""ECGs on paper: 12 leads, 25 mm/s and 10 mm/mV, three rows of four leads for 2.5 s each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ecgbench.base.errors import DataError
from ecgbench.base.inert import plain
from ecgbench.data.dataset import Dataset
from ecgbench.data.opening import open_dataset
from ecgbench.leaderboard.rows import Row
from ecgbench.leaderboard.tables import Table
from ecgbench.results.predictions import ScorePredictions

MM = 4  # units of the picture
SECONDS = 2.5
LAYOUT = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
ROW_MM = 34
FEWEST = 5  # positives of a class that is shown


@dataclass(frozen=True)
class Example:
    """A record with a class, and how the best row ranks it.

    Attributes:
        title: In words.
        picture: The ECG.
    """

    title: str
    picture: Markup


def examples(table: Table, predictions: ScorePredictions, classes: int = 3) -> list[Example]:
    """The positives of a class that the best row finds best and worst, for its surest classes.

    Args:
        table: A question on a data set that is on this machine.
        predictions: Predictions of the first run in the best row of the table.
        classes: How many classes.

    Raises:
        DataError: The data set is not here.
    """
    row = table.best
    assert row is not None
    scores = row.good[0].scores
    task = table.question.first.task
    dataset = open_dataset(task.dataset)
    truth = dataset.labels(task.label_set, "test")
    place = {str(record): i for i, record in enumerate(predictions.record_ids)}
    chosen = sorted(
        (entry for entry in (scores.classes if scores else ()) if entry.positives >= FEWEST),
        key=lambda entry: (-(entry.auroc.value or 0), entry.name),
    )[:classes]
    found = []
    for entry in chosen:
        k = truth.classes.index(entry.name)
        positives = np.flatnonzero(truth.values[:, k])
        if any(str(truth.record_ids[i]) not in place for i in positives):
            raise DataError("The predictions are not of the test records.")
        said = [predictions.scores[place[str(truth.record_ids[i])], k] for i in positives]
        for word, at in (("surest", int(np.argmax(said))), ("least sure", int(np.argmin(said)))):
            found.append(_example(dataset, row, entry.name, word, truth, int(positives[at])))
    return found


def _example(
    dataset: Dataset, row: Row, name: str, word: str, truth: object, position: int
) -> Example:
    from ecgbench.data.labels import LabelTable

    assert isinstance(truth, LabelTable)
    store = dataset.store
    signals = store.read([int(truth.rows[position])])[0]
    kind = "simulated" if dataset.simulated else "recorded"
    record = f"{dataset.spec.name} {truth.record_ids[position]} ({kind})"
    labels = [c for c, here in zip(truth.classes, truth.values[position], strict=True) if here]
    title = (
        f"{name}: of its positives, {row.key} is {word} of {record}, labelled {', '.join(labels)}"
    )
    return Example(plain(title), on_paper(signals, store.leads, store.rate, plain(title)))


def on_paper(signals: NDArray[np.float32], leads: Sequence[str], rate: float, title: str) -> Markup:
    """Draw a record.

    Args:
        signals: ``[leads, samples]`` in mV (or whatever the store's unit is; one unit is 10 mm).
        leads: Names of the rows of ``signals``.
        rate: Samples a second.
        title: For a screen reader.
    """
    width, height = 4 * SECONDS * 25 * MM, len(LAYOUT) * ROW_MM * MM
    step = max(1, round(rate / 100))
    parts = []
    for r, names in enumerate(LAYOUT):
        middle = (r + 0.5) * ROW_MM * MM
        for c, name in enumerate(names):
            if name not in leads:
                continue
            start = round(c * SECONDS * rate)
            values = signals[list(leads).index(name), start : start + round(SECONDS * rate) : step]
            x = c * SECONDS * 25 * MM + np.arange(len(values)) * step / rate * 25 * MM
            y = middle - np.clip(values, -1.65, 1.65) * 10 * MM
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
            parts.append(Markup('<polyline class="trace" points="{}"/>').format(points))
            label = Markup('<text class="lead-name" x="{}" y="{}">{}</text>')
            parts.append(
                label.format(f"{x[0] + 6:.1f}" if len(x) else "0", f"{middle - 54:.1f}", name)
            )
    return Markup(
        '<svg class="ecg" role="img" viewBox="0 0 {w} {h}"><title>{t}</title>'
        '<rect width="{w}" height="{h}" fill="url(#ecg-small)"/>'
        '<rect width="{w}" height="{h}" fill="url(#ecg-large)"/>{p}</svg>'
    ).format(w=f"{width:g}", h=f"{height:g}", t=title, p=Markup().join(parts))
