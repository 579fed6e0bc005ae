"""Cells predicted by a process whose home holds no test label; the parent scores them.

For submissions that a maintainer reproduces. The process gets a fresh ``ECGBENCH_HOME`` with views of the
data sets that it needs, pre-trains and encodes there, and sends back predictions and what it chose. The
parent takes nothing else from it. Predictions are the same bytes as without isolation.

The process runs as the same user, so it can still read the user's other files. To run a method that you do
not trust, use a container that holds nothing else.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from ecgbench.base.errors import ResultError
from ecgbench.base.paths import home
from ecgbench.data.dataset import Dataset
from ecgbench.data.merl import FOLDER, LABEL_SETS
from ecgbench.data.store import open_store
from ecgbench.data.withheld import copy_view, without_test_labels
from ecgbench.evaluation.ground_truth import Unlabelled
from ecgbench.results.predictions import read_predictions, write_predictions
from ecgbench.results.schema import Draft, Result
from ecgbench.results.store import path_of, write_result
from ecgbench.runs.execute import NOT_SCORED, Session
from ecgbench.runs.plan import Question
from ecgbench.training.recipe import Recipe

Cells = Sequence[tuple[Question, Draft]]
TRAINED = ("fingerprint", "records", "reports")
WAIT = 10.0  # seconds for the process to end by itself


@dataclass(frozen=True)
class Job:
    """What the process gets; all of it can be pickled.

    Attributes:
        recipe: What decides the pre-training.
        dataset: The data set that is trained on.
        targets: The data sets that are tested on, by name.
        tested: The test records of each question, by its name.
        cells: Questions with the drafts of their results.
        out: Folder of the predictions.
    """

    recipe: Recipe
    dataset: Dataset
    targets: dict[str, Dataset]
    tested: dict[str, Unlabelled]
    cells: Cells
    out: Path


def run_isolated(session: Session, missing: Cells) -> Iterator[Result]:
    """Run the cells of a group in one isolated process and write their results, one by one.

    Args:
        session: The group.
        missing: Questions with the drafts of their results.
    """
    possible = [cell for cell in missing if not _reads_outside(cell[0])]
    for question, wanted in missing:
        if _reads_outside(question):
            reason = (
                f"label set {question.task.trained_on.labels} is read from files that hold test labels; "
                "run it without --isolate"
            )
            yield _written(session, wanted.result("failed", reason))
    if not possible:
        return
    with _fresh_home() as place:
        job = _job(session, possible, place)
        for (_, wanted), answer in zip(possible, _answers(job, place), strict=True):
            yield _written(session, _accepted(session, job, wanted, answer))


def _reads_outside(question: Question) -> bool:
    return question.task.trained_on.labels.startswith(LABEL_SETS)


def _written(session: Session, predicted: Result) -> Result:
    result = session.score(predicted)
    write_result(session.out, result)
    return result


def _job(session: Session, cells: Cells, place: Path) -> Job:
    moved: dict[Path, Dataset] = {}

    def move(dataset: Dataset) -> Dataset:
        view = without_test_labels(dataset)
        if view.store.path not in moved:
            target = place / "withheld" / view.store.path.name
            copy_view(view.store.path, target)
            moved[view.store.path] = Dataset(view.spec, open_store(target))
        return moved[view.store.path]

    recipe = replace(
        session.recipe,
        datasets=tuple(move(dataset) for dataset in session.recipe.datasets),
        before=tuple(move(dataset) for dataset in session.recipe.before),
    )
    names = {question.task.dataset for question, _ in cells}
    return Job(
        recipe=recipe,
        dataset=move(session.dataset),
        targets={name: move(session.open(name)) for name in names},
        tested={question.name: session.tested(question) for question, _ in cells},
        cells=cells,
        out=place / "predicted",
    )


def _answers(job: Job, place: Path) -> Iterator[Result | None]:
    """What the process says of each cell; None from the cell on at which it ended."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_predict_all, args=(job, sender))
    with _environment(place):
        process.start()
    sender.close()
    try:
        for _ in job.cells:
            try:
                yield Result.model_validate_json(receiver.recv_bytes())
            except EOFError:
                yield None
    finally:
        process.join(WAIT)
        process.kill()
        receiver.close()


def _predict_all(job: Job, sender: Connection) -> None:
    """The work of the process."""
    session = Session(
        job.recipe,
        job.dataset,
        job.targets.__getitem__,
        lambda question: job.tested[question.name],
        job.out,
    )
    for question, wanted in job.cells:
        sender.send_bytes(session.predict(question, wanted).model_dump_json().encode())
    sender.close()


def _accepted(session: Session, job: Job, wanted: Draft, answer: Result | None) -> Result:
    """The draft with what the process may say: nothing that tells of task, data or configuration."""
    if answer is None:
        return wanted.result("failed", "its process ended before it had predicted")
    if answer.status == "not-applicable":
        return wanted.result("not-applicable", answer.reason)
    if answer.predictions is None or answer.data is None:
        return wanted.result("failed", answer.reason or "its process sent no predictions")
    try:
        predictions = read_predictions(path_of(job.out, wanted).with_suffix(".npz"))
    except ResultError as error:
        return wanted.result("failed", error.message)
    said = {name: getattr(answer, name) for name in ("choices", "notes", "costs")}
    trained = {name: getattr(answer.pretraining, name) for name in TRAINED}
    counted = {"n_train": answer.data.n_train, "n_val": answer.data.n_val}
    return wanted.result(
        "failed",
        NOT_SCORED,
        method=wanted.method.model_copy(update={"parameters": answer.method.parameters}),
        data=wanted.data.model_copy(update=counted),
        pretraining=wanted.pretraining.model_copy(update=trained),
        predictions=write_predictions(
            path_of(session.out, wanted).with_suffix(".npz"), predictions
        ),
        **said,
    )


@contextmanager
def _fresh_home() -> Iterator[Path]:
    folder = home() / "isolated"
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _environment(place: Path) -> Iterator[None]:
    """What the process inherits: another home, and no folder of label files."""
    before = dict(os.environ)
    os.environ["ECGBENCH_HOME"] = str(place)
    os.environ.pop(FOLDER, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
