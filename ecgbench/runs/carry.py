"""Carry results over to changed code, where a sample comes out with the same prediction bytes.

A changed line makes every result of the code out of date, also where the change is a refactoring. One cell
of each method and protocol is drawn and run again. Where its predictions are the same bytes, the other
cells of this method and protocol, made by the same code, count as made by the code of today, and each
record says so. Where they differ, the cells are named and stay as they are: `ecgbench run` runs them again.
"""

from __future__ import annotations

import functools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ecgbench.base.errors import EcgbenchError
from ecgbench.base.hashing import content_hash, file_sha256
from ecgbench.data.dataset import Dataset
from ecgbench.data.opening import open_dataset
from ecgbench.data.withheld import without_test_labels
from ecgbench.evaluation.label_sources import prepared
from ecgbench.results.parts import CarriedPart
from ecgbench.results.provenance import provenance
from ecgbench.results.schema import Draft, Result
from ecgbench.results.store import read_results, write_result
from ecgbench.runs.draft import finished
from ecgbench.runs.execute import Session, asked
from ecgbench.runs.plan import Question
from ecgbench.runs.reproduce import session_of


@dataclass(frozen=True)
class Stale:
    """A result that other code has made, with its draft by the code of today."""

    result: Result
    wanted: Draft
    session: Session
    question: Question

    @property
    def stratum(self) -> tuple[str, ...]:
        """What one drawn cell stands for: a method under a protocol, by one version of the code.

        Records from before version 3 do not say what code made the protocol's part: the commit does.
        """
        result = self.result
        commit = result.provenance.commit if result.code.scores is None else None
        return result.method.name, result.protocol.name, result.code.predictions, str(commit)


@dataclass(frozen=True)
class Verdict:
    """What became of the cells of one method and protocol.

    Attributes:
        sample: The cell that was run again.
        cells: Keys of all cells that it stands for.
        problem: Why they are not carried over; None where they are.
    """

    sample: str
    cells: tuple[str, ...]
    problem: str | None


def stale_results(folder: Path, work: Path) -> tuple[list[Stale], dict[str, str]]:
    """The results of a folder that other code has made.

    Args:
        folder: Of results.
        work: Folder for the results of the sample.

    Returns:
        Those that may be carried over; and by key the reason why a cell cannot be.
    """
    opened: Callable[[str], Dataset] = functools.cache(
        lambda name: without_test_labels(open_dataset(name))
    )
    tested = asked(prepared)
    stale, left = list[Stale](), dict[str, str]()
    for path, result in read_results(folder):
        if result.predictions is None:
            if result.status == "failed":
                left[result.key] = f"it failed: {result.reason}"
            continue
        try:
            session, question = session_of(result, work, opened, tested)
            ((_, wanted),) = session.drafts([(question, result.draw)])
        except EcgbenchError as error:
            left[result.key] = error.message
            continue
        file = path.with_name(result.predictions.file)
        if not wanted.asked_by(result):
            left[result.key] = "its settings, data or question are others today"
        elif not file.is_file() or file_sha256(file) != result.predictions.sha256:
            left[result.key] = "its predictions are missing or changed"
        elif not wanted.predicted_by(result):
            stale.append(Stale(result, wanted, session, question))
    return stale, left


def carry(folder: Path, stale: list[Stale], seed: int) -> Iterator[Verdict]:
    """Run the sample and carry over what it confirms, one method and protocol after the other.

    What is carried over stays so when the command is interrupted, and a cell of the sample that has
    run is not run again.

    Args:
        folder: Of results; its records are written again.
        stale: From :func:`stale_results`.
        seed: Random seed of the sample.
    """
    strata: defaultdict[tuple[str, ...], list[Stale]] = defaultdict(list)
    for cell in stale:
        strata[cell.stratum].append(cell)
    for stratum, cells in sorted(strata.items()):
        cells.sort(key=lambda cell: cell.result.key)
        sample = random.Random(content_hash([seed, stratum])).choice(cells)
        keys = tuple(cell.result.key for cell in cells)
        again = finished(sample.session.out, sample.wanted)
        if again is None:
            (again,) = sample.session.run([(sample.question, sample.wanted)])
        problem = _difference(sample.result, again)
        if problem is None:
            for cell in cells:
                write_result(folder, _carried(cell, sample.result, again, seed))
        yield Verdict(sample.result.key, keys, problem)


def _difference(result: Result, again: Result) -> str | None:
    if again.predictions is None or result.predictions is None:
        return f"{again.status}: {again.reason}"
    same = again.predictions.sha256 == result.predictions.sha256
    return None if same else "its predictions differ"


def _carried(cell: Stale, sample: Result, again: Result, seed: int) -> Result:
    """A record as made by the code of today; its scores only where those of the sample are the same."""
    result = cell.result
    same_scores = again.scores == sample.scores
    scores = cell.wanted.code.scores if same_scores else result.code.scores
    note = CarriedPart(
        on=datetime.now(UTC).date().isoformat(),
        from_commit=result.carried[-1].to_commit if result.carried else result.provenance.commit,
        from_code=result.code.predictions,
        to_commit=provenance(()).commit,
        seed=seed,
        sample=(sample.key,),
    )
    code = cell.wanted.code.model_copy(update={"scores": scores})
    return result.model_copy(update={"code": code, "carried": (*result.carried, note)})
