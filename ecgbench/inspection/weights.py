"""Weights of the linear probe for a method with named features."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import PluginError
from ecgbench.inspection.subject import SPLIT, Subject
from ecgbench.plugins.importing import load_object
from ecgbench.probe.select import ProbeModel, select_and_fit
from ecgbench.protocol import Records


@dataclass(frozen=True)
class Weights:
    """A probe's coefficients by name.

    Attributes:
        label_set: Label set of the classes.
        classes: ``k`` names.
        positives: Training records of each class.
        features: ``d`` names.
        coefficients: ``[k, d]``, logits per standard deviation of a feature over the training records.
        probe: The fitted probe.
        n_train: Records that it was fitted on.
        n_val: Records that chose its penalty.
    """

    label_set: str
    classes: tuple[str, ...]
    positives: tuple[int, ...]
    features: tuple[str, ...]
    coefficients: NDArray[np.float64]
    probe: ProbeModel
    n_train: int
    n_val: int

    def largest(self, place: int, count: int) -> list[tuple[str, float]]:
        """The features of a class with the largest coefficients, by size."""
        row = self.coefficients[place]
        order = np.argsort(-np.abs(row), kind="stable")[:count]
        return [(self.features[one], float(row[one])) for one in order]

    def csv(self) -> str:
        """All of them, as ``class, feature, coefficient``; a class by size."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["class", "feature", "coefficient"])
        for place, name in enumerate(self.classes):
            for feature, value in self.largest(place, len(self.features)):
                writer.writerow([name, feature, f"{value:.6g}"])
        return text.getvalue()


def weights(subject: Subject) -> Weights | None:
    """Fit the standard linear probe on all training records; None for features without names.

    The validation records choose its penalty and scaling; no test record is touched.

    Raises:
        PluginError: The number of names differs from the number of features.
    """
    info = subject.info
    if info.feature_names is None:
        return None
    leads = subject.encoder.method().setup.leads
    names = tuple(map(str, load_object(info.feature_names, info.folder)(leads)))
    train, val = (subject.dataset.labels(subject.label_set, split) for split in ("train", SPLIT))
    X_train, X_val = (
        subject.encoder.features(
            Records(subject.dataset, table.rows.astype(np.intp), table.record_ids)
        )
        for table in (train, val)
    )
    if len(names) != X_train.shape[1]:
        raise PluginError(
            f"{info.feature_names} of {info.name} gives {len(names)} names for "
            f"{X_train.shape[1]} features."
        )
    probe = select_and_fit(X_train, train.values, X_val, val.values)
    spread = X_train.astype(np.float64).std(axis=0)
    return Weights(
        label_set=subject.label_set,
        classes=tuple(train.classes),
        positives=tuple(map(int, train.values.sum(axis=0))),
        features=names,
        coefficients=probe.weights * spread,
        probe=probe,
        n_train=len(train.rows),
        n_val=len(val.rows),
    )
