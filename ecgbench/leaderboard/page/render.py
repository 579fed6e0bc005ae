"""Results to one HTML file that needs no server and asks no other address for anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from ecgbench.base.inert import plain
from ecgbench.base.paths import atomic_write
from ecgbench.leaderboard.build import load
from ecgbench.leaderboard.page.content import SectionView, overall, sections
from ecgbench.leaderboard.page.ecg import Example, examples
from ecgbench.leaderboard.questions import questions, refuse_mixtures
from ecgbench.leaderboard.reported import reported_sheets
from ecgbench.leaderboard.tables import Table, answer
from ecgbench.results.predictions import ScorePredictions, read_predictions
from ecgbench.results.schema import Result

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def write_page(folder: Path, target: Path, *, with_examples: str = "simulated") -> None:
    """Write the page of one version of the leaderboard.

    Args:
        folder: ``leaderboards/VERSION``; figures reported elsewhere are read from ``reported`` beside it.
        target: The HTML file.
        with_examples: Whose ECGs to draw: ``none``, ``simulated``, or ``all`` (recorded ones too: for
            a page that is not given away).

    Raises:
        ResultError: As :func:`ecgbench.leaderboard.build.build`.
        DataError: A data set whose ECGs are to be drawn is not on this machine.
    """
    found = load(folder)
    asked = questions(result for _, result in found)
    refuse_mixtures(asked)
    tables = [table for question in asked for table in answer(question)]
    pictures = _examples(tables, found, with_examples)
    atomic_write(target, render(folder.name, tables, pictures, folder.parent / "reported"))


def html_templates(folder: Path) -> Environment:
    """The templates of a folder: what is put into them is escaped, and what they lack is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(
    name: str,
    tables: Sequence[Table],
    pictures: Sequence[Example] = (),
    reported: Path | None = None,
) -> str:
    """The page as text."""
    views = sections(tables)
    rows = [row for view in views for table in view.tables for row in table.rows]
    simulated = {view.simulated for view in views}
    cells = sum(len(table.question.results) for table in tables)
    return (
        html_templates(TEMPLATES)
        .get_template("page.html.j2")
        .render(
            title=f"ecgbench leaderboard {plain(name)}",
            summary=f"{len(views)} tasks and protocols, {len(rows)} rows, {cells} cells.",
            simulated="all" if simulated == {True} else "some" if True in simulated else "none",
            tasks=_distinct(view.task for view in views),
            protocols=_distinct(view.protocol for view in views),
            families=_distinct(row.family for row in rows),
            statuses=_distinct(row.status for row in rows),
            overall=overall(tables),
            sections=views,
            classes=_embedded(views),
            examples=pictures,
            reported=reported_sheets(reported) if reported else [],
            css=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
            js=Markup((TEMPLATES / "page.js").read_text(encoding="utf-8")),
        )
    )


def _embedded(views: Sequence[SectionView]) -> Markup:
    """Figures by class as JSON: the script lays them out when somebody asks, a tenth of the HTML."""
    data = {
        table.identifier: {
            "classes": table.classes,
            "rows": {row.identifier: row.classes for row in table.rows if row.classes},
        }
        for view in views
        for table in view.tables
        if table.classes
    }
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    for sign in "<>&":  # nothing in it can end the element that holds it
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _examples(
    tables: Sequence[Table], found: Sequence[tuple[Path, Result]], which: str
) -> list[Example]:
    """Drawings for the first question of each data set whose predictions are scores."""
    if which == "none":
        return []
    files = {result.key: path for path, result in found}
    pictures: list[Example] = []
    done: set[str] = set()
    for table in tables:
        task = table.question.first.task
        best = table.best
        if task.dataset in done or best is None or (which == "simulated" and not task.simulated):
            continue
        run = best.good[0]
        if run.predictions is None or run.predictions.kind != "scores":
            continue
        predictions = read_predictions(files[run.key].parent / run.predictions.file)
        if isinstance(predictions, ScorePredictions):
            done.add(task.dataset)
            pictures += examples(table, predictions)
    return pictures


def _distinct(values: Iterable[str]) -> list[str]:
    return sorted(set(values))
