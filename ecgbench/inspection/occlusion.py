"""Which part of an ECG a probe's score depends on: hide a stretch of a lead, and see how the score falls.

After Zeiler and Fergus, Visualizing and Understanding Convolutional Networks (ECCV 2014), section 4.2,
with a stretch of one lead in place of a square of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import DataError, did_you_mean
from ecgbench.inspection.paper import PaperECG
from ecgbench.inspection.record import OneRecord
from ecgbench.inspection.subject import SPLIT, Subject
from ecgbench.probe.select import select_and_fit
from ecgbench.protocol import Records
from ecgbench.training.encode import run_frozen

STRETCH = 0.5  # seconds


@dataclass(frozen=True)
class Explanation:
    """How a score falls where the ECG is hidden.

    Attributes:
        label: The class.
        score: Logit of the whole ECG.
        falls: ``[leads, stretches]`` logit of the whole ECG less that of the ECG with a stretch hidden.
        leads: Names of the leads.
        seconds: Length of a stretch.
    """

    label: str
    score: float
    falls: NDArray[np.float64]
    leads: tuple[str, ...]
    seconds: float

    @property
    def strongest(self) -> tuple[str, float, float]:
        """Lead, first second and fall of the stretch on which the score depends most."""
        lead, place = np.unravel_index(int(self.falls.argmax()), self.falls.shape)
        return self.leads[lead], float(place * self.seconds), float(self.falls[lead, place])

    def on(self, paper: PaperECG) -> PaperECG:
        """The ECG with darker background where the score falls more."""
        at = np.minimum(
            (np.arange(paper.signals.shape[1]) / paper.rate / self.seconds).astype(int),
            self.falls.shape[1] - 1,
        )
        shade = np.zeros(paper.signals.shape)
        largest = max(float(self.falls.max()), 1e-12)
        for row, lead in enumerate(paper.leads):
            if lead in self.leads:
                shade[row] = np.clip(self.falls[self.leads.index(lead)], 0, None)[at] / largest
        lead, start, fall = self.strongest
        said = (
            f"Blue: hiding this half second lowers the logit of {self.label}. Whole ECG {self.score:.2f}; "
            f"most without {lead} at {start:g}-{start + self.seconds:g} s: {self.score - fall:.2f}."
        )
        return replace(paper, shade=shade, lines=(said, *paper.lines))


def explain(subject: Subject, one: OneRecord, label: str | None = None) -> Explanation:
    """Fit the standard linear probe and hide one stretch of the record after the other.

    A hidden stretch is zero after the method's own filter and scaling. The probe is fitted on training
    records, and validation records choose its penalty.

    Args:
        subject: The method and the data set; the record is of the same data set.
        one: The record.
        label: Class of the subject's label set; None: the record's class with the highest score, or of a
            record without a class the class with the highest score.

    Raises:
        DataError: There is no such class.
    """
    train, val = (subject.dataset.labels(subject.label_set, split) for split in ("train", SPLIT))
    classes = list(train.classes)
    if label is not None and label not in classes:
        raise DataError(
            f"{subject.label_set} has no class {label!r}.", did_you_mean(label, classes)
        )
    features = [
        subject.encoder.features(Records(subject.dataset, t.rows.astype(np.intp), t.record_ids))
        for t in (train, val)
    ]
    probe = select_and_fit(features[0], train.values, features[1], val.values)
    record = Records(subject.dataset, np.array([one.row], np.intp), np.array([one.record_id]))
    whole = np.asarray(subject.encoder.signals(record)[0], np.float32)
    rate = float(subject.recipe.config.signal.rate)
    scores = probe.scores(
        run_frozen(
            subject.encoder.method(),
            _hidden(whole, max(1, round(STRETCH * rate))),
            lambda method, ecg: method.encode_ecg(ecg),
            subject.recipe.config,
            f"Hiding parts of {one.record_id}",
        )
    )
    own = sorted(one.classes(subject.label_set) & set(classes)) or classes
    column = classes.index(label or max(own, key=lambda name: scores[0, classes.index(name)]))
    falls = (scores[0, column] - scores[1:, column]).reshape(len(whole), -1)
    leads = subject.encoder.method().setup.leads
    return Explanation(classes[column], float(scores[0, column]), falls, tuple(leads), STRETCH)


def _hidden(whole: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """The ECG ``[leads, samples]``, then a copy for each lead and stretch, with this stretch zero."""
    leads, samples = whole.shape
    starts = range(0, samples, length)
    made = np.repeat(whole[None], 1 + leads * len(starts), axis=0)
    for lead in range(leads):
        for place, start in enumerate(starts):
            made[1 + lead * len(starts) + place, lead, start : start + length] = 0.0
    return made
