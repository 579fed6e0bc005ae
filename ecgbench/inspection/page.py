"""All plots of a method on one HTML page that loads nothing from the network."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from markupsafe import Markup

from ecgbench.base.inert import plain
from ecgbench.base.paths import atomic_write
from ecgbench.inspection.curves import NATS, Curve, bounds, learning_rate, read_log
from ecgbench.inspection.embeddings import Cloud, Coloured, clouds, one_class
from ecgbench.inspection.plots import (
    Panel,
    Picture,
    cloud_figure,
    curves_figure,
    ecg_figure,
    picture,
)
from ecgbench.inspection.reconstructions import Rebuilt, reconstructions
from ecgbench.inspection.subject import SPLIT, Subject, facts
from ecgbench.inspection.weights import Weights, weights
from ecgbench.leaderboard.page.render import TEMPLATES as STYLE
from ecgbench.leaderboard.page.render import html_templates

TEMPLATES = Path(__file__).parent / "templates"
SHOWN = 5  # coefficients of a class
PANELS: dict[Panel, str] = {
    "input": "What the method saw; shaded: hidden from it",
    "reconstruction": "What it made of it: its guess in colour, over the truth in grey",
    "residual": "Truth minus guess, where it was hidden",
}


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        identifier: Address within the page.
        title: Its heading.
        notes: Notes for the reader.
        pictures: Its plots; if there are none, the notes state the reason.
        table: Heading and rows of a table; None for none.
    """

    identifier: str
    title: str
    notes: tuple[str, ...]
    pictures: tuple[Picture, ...] = ()
    table: tuple[tuple[str, ...], ...] | None = None


def write_page(subject: Subject, out: Path, records: int) -> Path:
    """Write all plots to a folder: PNG files, and ``index.html`` with all of them.

    A method that names its features also gets ``weights.csv``.

    Args:
        subject: The method and its records.
        out: The folder.
        records: Number of records to reconstruct.
    """
    sections = [
        _reconstruction_section(subject, records),
        _embedding_section(subject),
        *_training_sections(subject),
    ]
    weighed = weights(subject)
    if weighed is not None:
        sections.append(_weights_section(weighed))
        atomic_write(out / "weights.csv", weighed.csv())
    for section in sections:
        for drawn in section.pictures:
            atomic_write(out / f"{drawn.name}.png", drawn.light)
            atomic_write(out / f"{drawn.name}-dark.png", drawn.dark)
    target = out / "index.html"
    atomic_write(target, render(subject, sections))
    return target


def render(subject: Subject, sections: Sequence[Section]) -> str:
    """The page as text."""
    environment = html_templates(TEMPLATES)
    environment.filters["data"] = _data_address
    return environment.get_template("inspect.html.j2").render(
        title=plain(f"{subject.info.title} on {subject.dataset.spec.name}"),
        dataset=subject.dataset,
        facts=[(name, plain(value)) for name, value in facts(subject)],
        sections=sections,
        css=Markup((STYLE / "page.css").read_text(encoding="utf-8")),
    )


def _data_address(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def _reconstruction_section(subject: Subject, count: int) -> Section:
    found = reconstructions(subject, count)
    if not found:
        nothing = f"{subject.info.title} reconstructs nothing: there is none to show."
        return Section("reconstruction", "Reconstruction", (nothing,))
    notes = (
        f"{len(found)} records of the {SPLIT} split, evenly spaced, in the method's own input: "
        f"{subject.unit}. The masks are drawn as in pre-training.",
        "The built-in masked methods guess patches of zero mean and unit variance; the level and the "
        "spread of each hidden patch are taken from the truth, so only its shape is the method's.",
    )
    pictures = [
        _ecg(subject, one, place, panel) for place, one in enumerate(found) for panel in PANELS
    ]
    return Section("reconstruction", "Reconstruction", notes, tuple(pictures))


def _ecg(subject: Subject, one: Rebuilt, place: int, panel: Panel) -> Picture:
    share, left, there = one.errors()
    figures = {
        "input": f" ({share:.0%} of the samples)",
        "reconstruction": "",
        "residual": f" (root mean square {left:.2f}, of the truth there {there:.2f})",
    }
    title = _titled(subject, f"{one.record}: {PANELS[panel]}{figures[panel]}")
    draw = partial(ecg_figure, rebuilt=one, panel=panel, unit=subject.unit)
    return picture(f"record{place + 1}-{panel}", title, draw)


def _titled(subject: Subject, words: str) -> str:
    kind = "simulated" if subject.dataset.simulated else "recorded"
    return plain(f"{subject.info.title}, {subject.dataset.spec.name} ({kind}) {words}")


def _embedding_section(subject: Subject) -> Section:
    coloured = one_class(subject)
    found = clouds(subject, coloured)
    notes = [
        f"{len(coloured.records.rows)} of the {coloured.labelled} {SPLIT} records that have a class of "
        f"'{coloured.label_set}': those with exactly one. Features are standardised first."
    ]
    if not found:
        notes.append("Too few for a picture.")
    elif len({projection.name for projection in found[0].projections}) > 1:
        notes.append(
            "PCA keeps distances as far as two components can; t-SNE and UMAP keep neighbours, and "
            "their distances between groups and sizes of groups say nothing."
        )
    if found and "UMAP" not in {projection.name for projection in found[0].projections}:
        notes.append("UMAP is left out: it needs umap-learn, which the extra 'umap' brings.")
    pictures = [_cloud(subject, coloured, cloud, place) for place, cloud in enumerate(found)]
    return Section("embedding", "Embedding", tuple(notes), tuple(pictures))


def _cloud(subject: Subject, coloured: Coloured, cloud: Cloud, place: int) -> Picture:
    words = f"{SPLIT}: {cloud.space}, {cloud.dimensions} dimensions, by '{coloured.label_set}'"
    draw = partial(cloud_figure, cloud=cloud)
    return picture("embedding-shared" if place else "embedding", _titled(subject, words), draw)


def _training_sections(subject: Subject) -> list[Section]:
    recipe = subject.recipe
    if not recipe.trains:
        nothing = f"{subject.info.title} is not pre-trained: there are no curves."
        return [Section("training", "Training", (nothing,))]
    log = read_log(subject.encoder.checkpoint.path / "training.csv")
    losses = {term: curves for term, curves in log.items() if not term.startswith(NATS)}
    nats = {term: curves for term, curves in log.items() if term.startswith(NATS)}
    notes = ["Training values are those of one batch, validation values means over batches."]
    if not losses:
        notes = [f"{recipe.config.pretrain.steps} steps are too few for a logged loss."]
    draw = partial(curves_figure, log=losses, rate=learning_rate(recipe.config))
    drawn = picture("training", _trained(subject, "terms of the loss, learning rate"), draw)
    sections = [Section("training", "Training", tuple(notes), (drawn,))]
    return [*sections, *_bounds_section(subject, nats)]


def _weights_section(weighed: Weights) -> Section:
    probe = weighed.probe
    quality = f"{probe.validation.mean:.3f}" if probe.validation.scored else "undefined"
    notes = (
        f"The linear probe of '{weighed.label_set}', one class against all others, on "
        f"{weighed.n_train} training records; {weighed.n_val} validation records chose C = {probe.C:g} "
        f"and the scaling '{probe.scaling}' (macro-AUROC there {quality}). No test record was looked at.",
        f"The {SHOWN} largest coefficients of a class, in logits per standard deviation of the feature; "
        "weights.csv beside this page holds all. Features that say the same share their weight, so a "
        "small one is not proof that a feature does not matter.",
    )
    table = [("Class", "Training records", *(f"No. {n + 1}" for n in range(SHOWN)))]
    for place, name in enumerate(weighed.classes):
        cells = [f"{feature} {value:+.2f}" for feature, value in weighed.largest(place, SHOWN)]
        if not probe.trained[place]:
            cells = ["cannot be fitted: all training records are alike"]
        cells += [""] * (SHOWN - len(cells))
        table.append((name, str(weighed.positives[place]), *cells))
    return Section("weights", "What the probe weighs", notes, (), tuple(table))


def _trained(subject: Subject, words: str) -> str:
    made = subject.encoder.checkpoint.manifest
    kind = "simulated" if made["simulated"] else "recorded"
    corpus = f"{' + '.join(made['datasets'])} ({kind})"
    return plain(f"{subject.info.title} on {corpus}, seed {subject.recipe.seed}: {words}")


def _bounds_section(subject: Subject, nats: dict[str, dict[str, Curve]]) -> list[Section]:
    found = bounds(subject)
    if not found:
        return []
    table = [("Bound", "of", "nats", "cannot pass", "records")]
    table += [
        (
            bound.name,
            bound.meaning,
            f"{bound.nats:.3f}",
            "" if bound.ceiling is None else f"log {bound.records} = {bound.ceiling:.3f}",
            str(bound.records),
        )
        for bound in found
    ]
    notes = (
        "Lower bounds on the mutual information, for the final weights and all validation records as one "
        "batch. A bound below 0 carries no information.",
    )
    pictures: tuple[Picture, ...] = ()
    if nats:
        ceiling = math.log(int(subject.recipe.config.pretrain.batch_size))
        draw = partial(curves_figure, log=nats, rate=None, ceiling=ceiling)
        pictures = (picture("bounds", _trained(subject, "bounds as logged"), draw),)
    return [Section("bounds", "Bounds in nats", notes, pictures, tuple(table))]
