"""`ecgbench submit DIR`: check a folder of results and prepare the pull request.

A submission's results are marked ``self-reported``, whatever they say; ``verified`` is a maintainer's
word (``reproduce.py``).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgbench.authoring.card import missing_from_card
from ecgbench.authoring.check import check_method
from ecgbench.base.errors import EcgbenchError, ResultError
from ecgbench.base.inert import for_markdown
from ecgbench.base.paths import atomic_write
from ecgbench.evaluation.ground_truth import TruthReader
from ecgbench.evaluation.label_sources import prepared
from ecgbench.leaderboard.build import RESULTS, build
from ecgbench.leaderboard.claims import (
    holes,
    own_words,
    shared_titles,
    unknown_corpora,
    unknown_questions,
)
from ecgbench.leaderboard.diff import diff
from ecgbench.leaderboard.formats import to_markdown
from ecgbench.leaderboard.questions import agrees, identity
from ecgbench.leaderboard.suspicion import copies
from ecgbench.leaderboard.verify import verify
from ecgbench.leaderboard.versions import read_pins
from ecgbench.results.schema import Result
from ecgbench.results.store import path_of, read_readable, write_result

NOTE = "SUBMISSION.md"


@dataclass(frozen=True)
class Examined:
    """Findings of an examination.

    Attributes:
        problems: Reasons to refuse the submission, one line each; empty for a valid one.
        passed: Checks that passed.
        results: Its results.
    """

    problems: tuple[str, ...]
    passed: tuple[str, ...]
    results: tuple[tuple[Path, Result], ...]


def examine(
    submission: Path, board: Path, labels: TruthReader = prepared, jobs: int = 1
) -> Examined:
    """Check a submission against all requirements of a leaderboard.

    Args:
        submission: A folder of results, as ``ecgbench run --out`` writes it.
        board: Folder of a version of the leaderboard; may be new.
        labels: Source of test labels.
        jobs: Processes.
    """
    problems: list[str] = []
    passed: list[str] = []

    def look(what: str, found: Sequence[str]) -> None:
        problems.extend(found)
        if not found:
            passed.append(what)

    report = verify(submission, labels, full=True, jobs=jobs)
    unscored = [f"{name}: {reason}" for name, reason in report.unscored.items()]
    look(
        "schema, hashes, record sets, ranges, and every figure computed again",
        [*map(str, report.problems), *unscored],
    )
    found, refused = read_readable(submission)
    results = tuple(found)
    if not results and refused:
        return Examined(tuple(problems), tuple(passed), ())
    look("there are results", [] if results else [f"{submission} holds no results"])
    look(
        "no random weights",
        [f"{r.key}: random weights" for _, r in results if r.pretraining.random],
    )
    look("the questions are those of this version", _other_questions(board, results))
    look("rows of its own, complete and in the harness's words", _not_its_own(board, results))
    names = sorted({result.method.name for _, result in results})
    look("cards", [line for name in names for line in _guarded(_card, name)])
    look("conformance", [line for name in names for line in _guarded(_laws, name)])
    return Examined(tuple(problems), tuple(passed), results)


def submit(submission: Path, board: Path, examined: Examined) -> Path:
    """Copy a good submission into a version of the leaderboard, build it, and write its note.

    Args:
        submission: The folder that was examined.
        board: The version's folder in a checkout of one's own: what a pull request changes.
        examined: Without problems.

    Returns:
        The note for the pull request.

    Raises:
        ResultError: There were problems.
    """
    if examined.problems:
        count = len(examined.problems)
        raise ResultError(
            f"{submission} is not fit for the leaderboard: {count} problem(s), the first: "
            f"{examined.problems[0]}",
        )
    before = board.with_name(f".{board.name}-before")
    shutil.rmtree(before, ignore_errors=True)
    if (board / RESULTS).is_dir():
        shutil.copytree(board / RESULTS, before / RESULTS)
    try:
        for path, result in examined.results:
            plain = {"verification": "self-reported", "reproduction": None}
            target = write_result(board / RESULTS, result.model_copy(update=plain))
            if result.predictions is not None:
                shutil.copyfile(path.with_suffix(".npz"), target.with_suffix(".npz"))
        build(board)
        note = _note(examined, before, board)
    finally:
        shutil.rmtree(before, ignore_errors=True)
    target = submission / NOTE
    atomic_write(target, note)
    return target


def _note(examined: Examined, before: Path, board: Path) -> str:
    rows = sorted({result.row for _, result in examined.results})
    sheets = diff(before, board)
    return "\n".join(
        [
            "# Submission",
            "",
            "Rows (self-reported until a maintainer reproduces them):",
            "",
            *(f"- {for_markdown(row)}" for row in rows),
            "",
            "Checked by `ecgbench submit`:",
            "",
            *(f"- {for_markdown(what)}" for what in examined.passed),
            "",
            *(to_markdown(sheet) for sheet in sheets),
        ]
    )


def _other_questions(board: Path, results: Sequence[tuple[Path, Result]]) -> list[str]:
    pins = read_pins(board)
    there = {path_of(board / RESULTS, result) for _, result in results}
    replaced = sorted(str(path) for path in there if path.is_file())
    wrong = [
        f"{result.key}: is not the question that this version pins"
        for _, result in results
        if result.cell in pins and not agrees(pins[result.cell], identity(result))
    ]
    return wrong + [
        f"{path}: is there already; another's cell is not replaced" for path in replaced
    ]


def _not_its_own(board: Path, results: Sequence[tuple[Path, Result]]) -> list[str]:
    """What belongs to others or to nobody: rows, titles and predictions, unknown names, free notes."""
    pins = read_pins(board)
    on_board = read_readable(board / RESULTS)[0]
    there = [result for _, result in on_board]
    mine = [result for _, result in results]
    owned = {result.row for result in there}
    problems = [
        f"{row}: is a row of the board; a maintainer adds cells to it"
        for row in sorted({result.row for result in mine} & owned)
    ]
    keys = {result.key for result in mine}
    for key, what in shared_titles([*mine, *there]):
        if key in keys:
            problems.append(f"{key}: {what}")
    problems += [f"{row}: {what}" for row, what in holes(mine)]
    copied = copies([*results, *on_board], [path for path, _ in results])
    problems += [f"{key}: {what}" for key, what in copied]
    for result in mine:
        told = [*unknown_questions(result, pins), *unknown_corpora(result), *own_words(result)]
        problems += [f"{result.key}: {what}" for what in told]
    return problems


def _guarded(check: Callable[[str], list[str]], name: str) -> list[str]:
    try:
        return check(name)
    except EcgbenchError as error:
        return [f"{name}: {error.message}"]


def _card(name: str) -> list[str]:
    from ecgbench.plugins.catalogue import methods

    return [f"{name}: its card lacks {what}" for what in missing_from_card(methods.get(name))]


def _laws(name: str) -> list[str]:
    return [
        f"{name}: {found.law}: {found.reason}"
        for found in check_method(name)
        if found.outcome == "broken"
    ]
