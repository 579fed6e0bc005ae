"""Results to tables, byte for byte the same on any machine.

LEADERBOARD/results/...                what a leaderboard is made from
LEADERBOARD/version.json               what its questions are pinned to (see ``versions.py``)
LEADERBOARD/tables/README.md           the overall tables
LEADERBOARD/tables/overall-*.csv
LEADERBOARD/tables/cells.csv           every cell: its status, its figure, its files' hashes
LEADERBOARD/tables/TASK/PROTOCOL.csv   one line a row and variant; ...-classes.csv by class, ...-drops.csv
                                       against the variant `clean` where there is one; ...md to read
"""

from __future__ import annotations

import contextlib
import gc
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from ecgbench.base.errors import ResultError
from ecgbench.base.hashing import file_sha256
from ecgbench.base.paths import atomic_write
from ecgbench.leaderboard.cells import number
from ecgbench.leaderboard.drops import drop_sheet
from ecgbench.leaderboard.formats import to_csv, to_markdown
from ecgbench.leaderboard.overall import TableGroup, blocks, overall_sheet
from ecgbench.leaderboard.questions import questions, refuse_mixtures
from ecgbench.leaderboard.sheets import Sheet, class_sheet, full_sheet, short_sheet
from ecgbench.leaderboard.tables import Table, answer, share_of
from ecgbench.leaderboard.versions import FILE, pin, read_pins
from ecgbench.results.schema import Result
from ecgbench.results.store import read_readable, safe_name

RESULTS = "results"
TABLES = "tables"
CELLS = f"{TABLES}/cells.csv"
MADE = "Made by `ecgbench leaderboard build` from the results beside it; not edited by hand."


def build(folder: Path) -> None:
    """Write the tables of one version of the leaderboard.

    Raises:
        ResultError: Results that cannot be read (the tables of all others are written, and each of these
            is named), two for one cell, or results of different questions under one name.
    """
    files, refused = made_from(folder)
    keep = set(files)
    for name, content in files.items():
        atomic_write(folder / name, content)
    for path in sorted((folder / TABLES).rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(folder).as_posix() not in keep:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            shutil.rmtree(path)
    if refused:
        raise _all_refused(refused)


def check(folder: Path) -> list[str]:
    """Build in memory and compare: one line for each file that differs, is missing or too many."""
    files, refused = made_from(folder)
    problems = [error.message for error in refused]
    for name, content in files.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{path} is missing.")
        elif path.read_bytes() != content.encode():
            problems.append(f"{path} differs: {_first_difference(path.read_bytes(), content)}.")
    for path in sorted((folder / TABLES).rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            problems.append(f"{path} is made from no result.")
    return problems


def made_from(folder: Path) -> tuple[dict[str, str], list[ResultError]]:
    """Every file that a version's readable results make, by path relative to it.

    Returns:
        The files, and an error for each result that cannot be read.
    """
    with _no_collection():
        return _made_from(folder)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Ten thousand records are millions of objects, none of them garbage: looking costs half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _made_from(folder: Path) -> tuple[dict[str, str], list[ResultError]]:
    found, refused = _readable(folder)
    if not found:
        raise _all_refused(refused) if refused else _nothing_in(folder)
    asked = questions(result for _, result in found)
    refuse_mixtures(asked)
    pins = pin(asked, read_pins(folder))
    tables = [table for question in asked for table in answer(question)]
    files = {FILE: pins, CELLS: to_csv(_cells(folder, found))}
    by_page: defaultdict[str, list[Table]] = defaultdict(list)
    for table in tables:
        run = table.question.first
        by_page[f"{safe_name(run.task.name)}/{safe_name(run.protocol.name)}"].append(table)
    for page, members in sorted(by_page.items()):
        files |= _page(f"{TABLES}/{page}", sorted(members, key=share_of))
    return files | _overall(blocks(tables), sorted(by_page)), refused


def load(folder: Path) -> list[tuple[Path, Result]]:
    """The results of a version of the leaderboard.

    Raises:
        ResultError: There are none, one cannot be read, or one has random weights.
    """
    found, refused = _readable(folder)
    if refused:
        raise _all_refused(refused)
    if not found:
        raise _nothing_in(folder)
    return found


def _readable(folder: Path) -> tuple[list[tuple[Path, Result]], list[ResultError]]:
    """The results of a version that may stand in tables, and an error for each of the others."""
    found, refused = read_readable(folder / RESULTS)
    kept = []
    for path, result in found:
        if result.pretraining.random:
            message = (
                f"{path.name} has random weights in the place of published ones ({result.row})."
            )
            hint = "Such a result is a trial: remove it from the leaderboard."
            refused.append(ResultError(message, hint))
        else:
            kept.append((path, result))
    return kept, refused


def _nothing_in(folder: Path) -> ResultError:
    return ResultError(
        f"There are no results in {folder / RESULTS}.",
        f"Run `ecgbench run ... --out {folder / RESULTS}`, or copy results there.",
    )


def _all_refused(refused: Sequence[ResultError]) -> ResultError:
    """One error that names every result that cannot be read."""
    if len(refused) == 1:
        return refused[0]
    named = "\n".join(error.message for error in refused)
    return ResultError(
        f"{len(refused)} results cannot be read:\n{named}", "Mend them, or take them out."
    )


def _page(name: str, tables: Sequence[Table]) -> dict[str, str]:
    to_read = [short_sheet(table) for table in tables]
    files = {f"{name}.csv": to_csv(_joined([full_sheet(table) for table in tables]))}
    classes = _joined([class_sheet(table) for table in tables])
    if classes.rows:
        files[f"{name}-classes.csv"] = to_csv(classes)
    drops = drop_sheet(tables)
    if drops is not None:
        files[f"{name}-drops.csv"] = to_csv(drops)
        to_read.append(drops)
    return files | {f"{name}.md": f"{MADE}\n\n" + "\n".join(map(to_markdown, to_read))}


def _overall(all_blocks: Sequence[TableGroup], pages: Sequence[str]) -> dict[str, str]:
    groups: defaultdict[tuple[str, str, bool], list[TableGroup]] = defaultdict(list)
    for block in all_blocks:
        groups[block.dataset, block.track, block.simulated].append(block)
    files, text = {}, [MADE, ""]
    for (dataset, track, _), members in sorted(groups.items()):
        sheet = overall_sheet(members)
        files[f"{TABLES}/overall-{safe_name(dataset)}-{safe_name(track)}.csv"] = to_csv(sheet)
        # to read: what is of several tasks; one task's figures stand on its own page
        several = [block for block in members if len(block.tables) > 1]
        text.append(to_markdown(overall_sheet(several) if several else sheet))
    links = [f"- [{page}]({page}.md)" for page in pages]
    files[f"{TABLES}/README.md"] = "\n".join([*text, "## By task and protocol", "", *links, ""])
    return files


def _cells(folder: Path, found: Sequence[tuple[Path, Result]]) -> Sheet:
    lines = []
    for path, result in sorted(found, key=lambda item: item[1].key):
        figure = result.scores.figures.get("auroc") if result.scores else None
        lines.append(
            (
                result.key,
                result.status,
                result.reason or "",
                number(figure.value if figure else None, 6),
                path.relative_to(folder).as_posix(),
                file_sha256(path),
                result.predictions.sha256 if result.predictions else "",
            )
        )
    columns = ("cell", "status", "reason", "auroc", "file", "sha256", "predictions_sha256")
    return Sheet("Cells", columns, tuple(lines), frozenset({"auroc"}))


def _joined(sheets: Sequence[Sheet]) -> Sheet:
    """Sheets below each other; a column that one of them lacks stays empty in it."""
    columns = tuple(dict.fromkeys(name for sheet in sheets for name in sheet.columns))
    rows = []
    for sheet in sheets:
        for row in sheet.rows:
            cells = dict(zip(sheet.columns, row, strict=True))
            rows.append(tuple(cells.get(name, "") for name in columns))
    numeric = frozenset().union(*(sheet.numeric for sheet in sheets))
    return Sheet(sheets[0].title, columns, tuple(rows), numeric)


def _first_difference(found: bytes, wanted: str) -> str:
    there, made = found.decode("utf-8", "replace").splitlines(), wanted.splitlines()
    for number_, (one, other) in enumerate(zip(there, made, strict=False), 1):
        if one != other:
            return f"line {number_} is {one[:120]!r}, the results make {other[:120]!r}"
    return f"{len(there)} lines, the results make {len(made)}"
