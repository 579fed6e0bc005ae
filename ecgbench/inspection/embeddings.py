"""The validation records in two dimensions, coloured by their class."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from ecgbench.inspection.subject import SPLIT, Subject
from ecgbench.protocol import Records

Values = NDArray[np.float64]
FEWEST = 8  # minimum number of records for a projection


@dataclass(frozen=True)
class Projection:
    """Records in two dimensions.

    Attributes:
        name: ``PCA``, ``t-SNE`` or ``UMAP``.
        points: ``[n, 2]``.
        axes: Labels of the axes.
    """

    name: str
    points: Values
    axes: tuple[str, str]


@dataclass(frozen=True)
class Cloud:
    """One space of a method.

    Attributes:
        space: In words.
        dimensions: Number of dimensions of the space.
        classes: Of each record, by name: ``[n]``.
        projections: Projections of the space.
    """

    space: str
    dimensions: int
    classes: tuple[str, ...]
    projections: tuple[Projection, ...]


@dataclass(frozen=True)
class Coloured:
    """Records with exactly one class of a label set.

    Attributes:
        label_set: Its name.
        records: Those with one class.
        classes: Of each.
        labelled: How many have any class.
    """

    label_set: str
    records: Records
    classes: tuple[str, ...]
    labelled: int


def one_class(subject: Subject) -> Coloured:
    """The validation records with exactly one class, so that a point has one colour."""
    name = subject.label_set
    table = subject.dataset.labels(name, SPLIT)
    single = np.flatnonzero(table.values.sum(axis=1) == 1)
    classes = [table.classes[int(np.argmax(table.values[row]))] for row in single]
    rows = np.asarray(table.rows[single], np.intp)
    records = Records(subject.dataset, rows, np.asarray(table.record_ids[single], str))
    return Coloured(name, records, tuple(classes), len(table.rows))


def clouds(subject: Subject, coloured: Coloured) -> list[Cloud]:
    """The method's feature space and, where it has one, the space that it shares with text.

    Returns:
        An empty result for fewer than eight records.
    """
    if len(coloured.records.rows) < FEWEST:
        return []
    spaces = {"ecg": "features of the probe"}
    if "text" in subject.info.encodes:
        spaces["joint"] = "space shared with reports"
    found = []
    for kind, name in spaces.items():
        features = subject.encoder.features(coloured.records, kind=kind)
        projected = projections(standardised(features), subject.recipe.seed)
        found.append(Cloud(name, features.shape[1], coloured.classes, tuple(projected)))
    return found


def standardised(features: NDArray[np.floating]) -> Values:
    """Features ``[n, d]`` with zero mean and unit variance over the records, as the probe has them."""
    centred = features.astype(np.float64) - features.mean(axis=0)
    spread = centred.std(axis=0)
    scaled: Values = centred / np.where(spread > 1e-12, spread, 1.0)
    return scaled


def projections(values: Values, seed: int) -> list[Projection]:
    """PCA, t-SNE and, where umap-learn is installed, UMAP of ``[n, d]``."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    pca = PCA(n_components=2, svd_solver="full").fit(values)
    shares = [f"component {i + 1} ({v:.0%})" for i, v in enumerate(pca.explained_variance_ratio_)]
    neighbours = min(30.0, (len(values) - 1) / 3)
    tsne = TSNE(perplexity=neighbours, init="pca", random_state=seed)
    found = [
        Projection("PCA", _upright(pca.transform(values)), (shares[0], shares[1])),
        Projection("t-SNE", tsne.fit_transform(values), ("t-SNE 1", "t-SNE 2")),
    ]
    if find_spec("umap") is not None:
        from umap import UMAP  # type: ignore[import-not-found, unused-ignore]

        near = min(15, len(values) - 1)
        points = UMAP(n_neighbors=near, random_state=seed, n_jobs=1).fit_transform(values)
        found.append(Projection("UMAP", points, ("UMAP 1", "UMAP 2")))
    return found


def _upright(points: Values) -> Values:
    """Components with a fixed sign, because the solver chooses signs arbitrarily."""
    largest = np.abs(points).argmax(axis=0)
    return points * np.sign(points[largest, [0, 1]])
