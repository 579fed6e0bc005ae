"""Is a leaderboard what it claims? Every figure is computed again from predictions and labels.

Runs none of an author's code and needs no torch. Each problem names the cell and what is wrong with it.
Figures are computed in full; of the bootstrap the first :data:`QUICK` resamples are drawn again, which
the stored replicates must agree with, or all of them with ``full``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ecgbench.base.errors import EcgbenchError, ResultError
from ecgbench.base.hashing import file_sha256
from ecgbench.evaluation.ground_truth import Truth, TruthReader, split_of_result
from ecgbench.evaluation.label_sources import prepared, read_once
from ecgbench.evaluation.scoring import score
from ecgbench.leaderboard.build import CELLS, RESULTS, check
from ecgbench.leaderboard.claims import (
    names_problems,
    own_words,
    registry_differences,
    settings_problems,
    shared_titles,
    unknown_questions,
)
from ecgbench.leaderboard.compare import differences
from ecgbench.leaderboard.left_out import gone_since_built, left_out
from ecgbench.leaderboard.questions import Identity, agrees, identity
from ecgbench.leaderboard.suspicion import copies, too_perfect
from ecgbench.leaderboard.versions import read_pins
from ecgbench.results.agreement import unconfirmed
from ecgbench.results.archive import ARCHIVE_BYTES
from ecgbench.results.parts import PredictionsPart
from ecgbench.results.predictions import read_predictions
from ecgbench.results.schema import Result
from ecgbench.results.store import check_json, path_of, read_result

QUICK = 100


@dataclass(frozen=True)
class Problem:
    """Something that is not what it claims.

    Attributes:
        where: The cell, or a file.
        what: In words.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True)
class Report:
    """What a verification found.

    Attributes:
        problems: Empty where all is well.
        cells: Results that were read.
        scored: Cells whose figures were computed again.
        unscored: By data set, why cells were not: their labels are not on this machine.
    """

    problems: tuple[Problem, ...]
    cells: int
    scored: int
    unscored: dict[str, str]


def verify(
    folder: Path,
    labels: TruthReader = prepared,
    *,
    full: bool = False,
    only: Sequence[Path] = (),
    jobs: int = 1,
) -> Report:
    """Verify one version of the leaderboard.

    Args:
        folder: ``leaderboards/VERSION``, or any folder with results in it.
        labels: Where test labels come from.
        full: Draw every resample again.
        only: Results to score again; all where empty. Everything else is checked for all.
        jobs: Processes.
    """
    root = folder / RESULTS if (folder / RESULTS).is_dir() else folder
    found, problems = _read_all(root)
    readable = not any(problem.where.endswith(".json") for problem in problems)
    pins = read_pins(folder)
    truth_of = read_once(labels)
    chosen = {path.resolve() for path in only}
    tasks, unscored = [], {}
    for path, result in found:
        problems += _record_problems(root, path, result, pins)
        pinned = pins.get(result.cell)
        if pinned is not None and not agrees(pinned, identity(result)):
            problems.append(Problem(result.key, "is not the question that version.json pins"))
        if result.status != "ok" or (chosen and path.resolve() not in chosen):
            continue
        truth = truth_of(split_of_result(result))
        if isinstance(truth, EcgbenchError):
            unscored[result.task.dataset] = truth.message
        else:
            tasks.append((path, result, truth, full))
    problems += [Problem(*said) for said in shared_titles(result for _, result in found)]
    problems += [Problem(*said) for said in copies(found, [path for path, *_ in tasks])]
    for problem_list in _in_processes(tasks, jobs):
        problems += problem_list
    if readable:  # what a broken file holds is not missing
        problems += [Problem(*said) for said in left_out(root, found)]
        if root != folder:
            problems += [Problem(*said) for said in gone_since_built(folder / CELLS, found)]
            problems += _table_problems(folder)
    return Report(tuple(problems), len(found), len(tasks), unscored)


def score_problems(path: Path, result: Result, truth: Truth, full: bool) -> list[Problem]:
    """Hold one cell's predictions and figures against the labels."""
    try:
        return [Problem(result.key, what) for what in _against_truth(path, result, truth, full)]
    except EcgbenchError as error:
        hint = f". {error.hint}" if error.hint else ""  # e.g. what to install for METEOR
        return [Problem(result.key, error.message.removesuffix(".") + hint)]
    except Exception as error:  # a hostile cell must not hide the others
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return [Problem(result.key, f"cannot be scored again: {reason[:300]}")]


def _read_all(root: Path) -> tuple[list[tuple[Path, Result]], list[Problem]]:
    found: list[tuple[Path, Result]] = []
    problems: list[Problem] = []
    seen: dict[str, Path] = {}
    for path in sorted(root.rglob("*.json")):
        try:
            check_json(path)
            result = read_result(path)
        except ResultError as error:
            problems.append(Problem(str(path), error.message.removeprefix(f"{path}: ")))
            continue
        if result.key in seen:
            problems.append(Problem(result.key, f"stands in two files: {seen[result.key]}, {path}"))
        seen[result.key] = path
        found.append((path, result))
    return found, problems


def _record_problems(
    root: Path, path: Path, result: Result, pins: Mapping[str, Identity]
) -> list[Problem]:
    """What a record alone tells: its place, its predictions file, its names, its fingerprints."""
    what = []
    if path.resolve() != path_of(root, result).resolve():
        what.append(f"belongs at {path_of(root, result)}, not at {path}")
    what += [*registry_differences(result), *names_problems(result), *unconfirmed(result)]
    what += [*settings_problems(result)]
    if pins:  # a board; a folder of one's own results may be of one's own tasks
        what += [*unknown_questions(result, pins), *own_words(result)]
    if result.status == "ok" and result.predictions is None:
        what.append("has figures, but no predictions")
    if result.predictions is not None:
        what += _file_problems(path, result.predictions)
    return [Problem(result.key, text) for text in what]


def _file_problems(path: Path, said: PredictionsPart) -> Iterator[str]:
    file = path.parent / said.file
    if file != path.with_suffix(".npz"):
        yield f"its predictions are another record's: {said.file}"
    elif file.is_symlink() or (file.exists() and not file.is_file()):
        yield f"its predictions {file.name} are no plain file"
    elif not file.is_file():
        yield f"its predictions {file.name} are missing"
    elif file.stat().st_size > ARCHIVE_BYTES:
        yield f"its predictions {file.name} have more than {ARCHIVE_BYTES:,} bytes"
    elif file_sha256(file) != said.sha256:
        yield f"its predictions {file.name} are not those that it was made from (SHA-256)"


def _against_truth(path: Path, result: Result, truth: Truth, full: bool) -> Iterator[str]:
    if result.predictions is None or result.data is None or result.scores is None:
        return
    if result.data.test_fingerprint != truth.fingerprint:
        yield "is of other test records or labels than the data set's (fingerprint)"
    if truth.data_fingerprint not in (None, result.data.fingerprint):
        yield "was made on other data than the data set that is here (fingerprint)"
    if result.data.n_test != len(truth.record_ids):
        yield f"says {result.data.n_test} test records; the split has {len(truth.record_ids)}"
    if result.data.n_test_patients != len(set(truth.patients.tolist())):
        yield f"says {result.data.n_test_patients} test patients; the split has others"
    predictions = read_predictions(path.with_suffix(".npz"))
    resamples = result.scores.resamples if full else min(QUICK, result.scores.resamples)
    if predictions.kind != result.protocol.predicts:
        yield f"has {predictions.kind} where its protocol predicts {result.protocol.predicts}"
        return
    in_groups = bool(result.scores.shared)
    again = score(predictions, truth, resamples=resamples, in_groups=in_groups)
    yield from differences(result, again, truth.patients)
    yield from too_perfect(predictions, truth, again)


def _in_processes(
    tasks: Sequence[tuple[Path, Result, Truth, bool]], jobs: int
) -> Iterator[list[Problem]]:
    if jobs < 2 or len(tasks) < 2:
        yield from (score_problems(*task) for task in tasks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(score_problems, *zip(*tasks, strict=True), chunksize=4)


def _table_problems(folder: Path) -> list[Problem]:
    try:
        return [Problem(str(folder), line) for line in check(folder)]
    except ResultError as error:
        return [Problem(str(folder), error.message)]
