"""Running a group of cells: one pre-training, one encoding, many questions.

A cell has two halves. :meth:`Session.predict` trains, encodes and predicts, and sees no test label: its
data sets are views without them. :meth:`Session.score` reads the labels once the predictions are written.

A cell that breaks becomes a result with its reason, and the others go on; Ctrl-C stops everything and
leaves nothing half-written.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecgbench.base.errors import EcgbenchError, NotApplicableError, ResultError, StorageError
from ecgbench.base.hashing import file_sha256
from ecgbench.base.paths import check_writable, stop_if_full
from ecgbench.base.withholding import labels_withheld
from ecgbench.data.dataset import Dataset
from ecgbench.evaluation.ground_truth import SplitSpec, TruthReader, Unlabelled, split_of_result
from ecgbench.evaluation.label_sources import prepared
from ecgbench.evaluation.scoring import score
from ecgbench.protocol import Bench
from ecgbench.results.ledger import note_test_evaluation
from ecgbench.results.parts import CostPart
from ecgbench.results.predictions import read_predictions, write_predictions
from ecgbench.results.provenance import peak_memory_mb
from ecgbench.results.schema import Draft, Result
from ecgbench.results.store import path_of, write_result
from ecgbench.runs.draft import Drafter, finished, on_disk, split_of_question
from ecgbench.runs.plan import Question
from ecgbench.runs.predict import bench_of, encoder_of, predict, protocol_of
from ecgbench.runs.remarks import remarks
from ecgbench.training.device import describe, pick_device, pick_precision, processes
from ecgbench.training.encode import Encoder
from ecgbench.training.recipe import Recipe

NOT_SCORED = "has not been scored"


@dataclass
class Session:
    """One group being run: what its cells share.

    Attributes:
        recipe: What decides the pre-training.
        dataset: The data set that is trained on, without its test labels.
        open: Gives the data sets that are tested on, without their test labels.
        tested: Gives the test records of a question, without their labels.
        out: Folder of results.
        overrides: The user's overrides that the method uses.
    """

    recipe: Recipe
    dataset: Dataset
    open: Callable[[str], Dataset]
    tested: Callable[[Question], Unlabelled]
    out: Path
    overrides: Sequence[str] = ()
    _encoder: Encoder | None = field(default=None, repr=False)
    _broken: str | None = None
    _shared: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def drafts(self, cells: Sequence[tuple[Question, int]]) -> list[tuple[Question, Draft]]:
        """A draft of each cell."""
        drafter = Drafter(self.recipe, self.dataset, self.overrides)
        return [
            (
                question,
                drafter.draft(
                    self.open(question.task.dataset), self.tested(question), question, draw
                ),
            )
            for question, draw in cells
        ]

    def missing(self, cells: Sequence[tuple[Question, int]]) -> list[tuple[Question, Draft]]:
        """The drafts that no result on disk answers yet."""
        return [
            (q, wanted) for q, wanted in self.drafts(cells) if finished(self.out, wanted) is None
        ]

    def check(self) -> None:
        """See, before hours of work, that its device is here and that results can be written.

        Raises:
            ConfigError: The device or precision that is asked for is not here, or a batch does not
                divide by the devices.
            StorageError: The folder of results cannot be written to.
        """
        pick_precision(self.recipe.config, pick_device(self.recipe.config))
        if self.recipe.trains:
            processes(self.recipe.config)
        check_writable(self.out)

    def run(self, missing: Sequence[tuple[Question, Draft]]) -> Iterator[Result]:
        """Run cells, or score the predictions on disk that answer them; write the results, one by one."""
        for question, wanted in missing:
            reason = _unscorable(wanted)
            if reason is None:
                result = self.score(self.predicted(wanted) or self.predict(question, wanted))
            else:
                result = wanted.result("not-applicable", reason)
            write_result(self.out, result)
            yield result

    def predict(self, question: Question, wanted: Draft) -> Result:
        """Write the predictions of a cell.

        Args:
            question: The question.
            wanted: The draft of its result.

        Returns:
            The draft with all but the scores, for :meth:`score`; or the final result of a cell that
            failed or that the method takes no part in.
        """
        try:
            with labels_withheld():
                return self._predict(question, wanted)
        except NotApplicableError as error:
            return wanted.result("not-applicable", _with_hint(error))
        except StorageError:
            raise
        except Exception as error:  # a method may fail in any way, and must spoil no other cell
            return wanted.result("failed", self._reason(wanted, error))

    def predicted(self, wanted: Draft) -> Result | None:
        """The result on disk of which only the scores are out of date, as :meth:`predict` would give it."""
        found = on_disk(self.out, wanted)
        if found is None or found.predictions is None:
            return None
        if wanted.answered_by(found) or not wanted.predicted_by(found):
            return None
        file = path_of(self.out, wanted).with_name(found.predictions.file)
        if not file.is_file() or file_sha256(file) != found.predictions.sha256:
            return None
        kept = {name: getattr(wanted, name) for name in ("code", "config", "overrides")}
        unscored = {"status": "failed", "reason": NOT_SCORED, "scores": None}
        return found.model_copy(update={**kept, **unscored})

    def score(self, predicted: Result) -> Result:
        """Score the predictions of a cell; whatever has none is a result already.

        Args:
            predicted: From :meth:`predict`.
        """
        if predicted.predictions is None:
            return predicted
        reason = _unscorable(predicted)
        if reason is not None:
            update = {"status": "not-applicable", "reason": reason, "predictions": None}
            return predicted.model_copy(update=update)
        times = max(
            predicted.test_evaluations,
            note_test_evaluation(self.out, predicted.key, predicted.predictions.sha256),
        )
        try:
            predictions = read_predictions(path_of(self.out, predicted).with_suffix(".npz"))
            if predictions.kind != (wanted := predicted.protocol.predicts):
                raise ResultError(f"The protocol gave {predictions.kind} in place of {wanted}.")
            resamples = int(self.recipe.config.evaluate.resamples)
            scores = score(
                predictions,
                prepared(split_of_result(predicted)),
                resamples=resamples,
                in_groups=predicted.protocol.in_groups,
            )
        except StorageError:
            raise
        except Exception as error:  # predictions may be of other records or classes
            reason = self._reason(predicted, error)
            return predicted.model_copy(update={"reason": reason, "predictions": None})
        return predicted.model_copy(
            update={"status": "ok", "reason": None, "scores": scores, "test_evaluations": times}
        )

    def _predict(self, question: Question, wanted: Draft) -> Result:
        reason = protocol_of(question.protocol).refuses(self.recipe.info, self.recipe.config)
        if reason is None and not len(self.tested(question)):
            reason = f"no test record is left of {_in_words(question)}"
        if reason is not None:
            return wanted.result("not-applicable", reason)
        encoder = self.encoder()
        encoded = encoder.seconds
        started = time.perf_counter()
        outcome = predict(self.bench(question, wanted.draw))
        evaluating = time.perf_counter() - started - (encoder.seconds - encoded)
        file = path_of(self.out, wanted).with_suffix(".npz")
        predictions = write_predictions(file, outcome.predictions)
        manifest = encoder.checkpoint.manifest
        seconds = {
            "pretrain": float(manifest["seconds"]),
            "encode": round(encoder.seconds, 2),
            "evaluate": round(evaluating, 2),
        }
        counted = {"n_train": outcome.n_train, "n_val": outcome.n_val}
        learned = {
            "fingerprint": manifest["corpus"],
            "records": manifest["records"],
            "reports": manifest["reports"],
        }
        return wanted.result(
            "failed",
            NOT_SCORED,
            method=wanted.method.model_copy(update={"parameters": manifest["parameters"]}),
            data=wanted.data.model_copy(update=counted),
            pretraining=wanted.pretraining.model_copy(update=learned),
            predictions=predictions,
            choices=outcome.choices,
            notes=(*outcome.notes, *remarks(self.recipe, wanted.pretraining)),
            costs=CostPart(
                seconds=seconds,
                device=describe(pick_device(self.recipe.config)),
                peak_memory_mb=peak_memory_mb(),
            ),
        )

    def _reason(self, cell: Draft | Result, error: Exception) -> str:
        """Why a cell failed, in one line; the traceback of an unexpected error goes into a log."""
        if isinstance(error, EcgbenchError):
            return _with_hint(error)
        stop_if_full(error)
        _log_traceback(self.out, cell)
        return f"{type(error).__name__}: {error}".splitlines()[0]

    def encoder(self) -> Encoder:
        """The pre-trained method; a pre-training that failed is not tried again for each cell."""
        if self._broken is not None:
            raise EcgbenchError(self._broken)
        if self._encoder is None:
            try:
                self._encoder = encoder_of(self.recipe)
            except Exception as error:
                message = _with_hint(error) if isinstance(error, EcgbenchError) else repr(error)
                self._broken = f"pre-training failed: {message}"
                raise
        return self._encoder

    def bench(self, question: Question, draw: int) -> Bench:
        """What a protocol gets for one cell."""
        tested, target = self.tested(question), self.open(question.task.dataset)
        return bench_of(self.encoder(), question, draw, self.dataset, target, tested, self._shared)


def asked(labelled: TruthReader) -> Callable[[Question], Unlabelled]:
    """The test records of questions without their labels, which are read once for each test split.

    Args:
        labelled: Reads the labelled records.
    """
    known: dict[tuple[SplitSpec, bool], Unlabelled] = {}

    def read(question: Question) -> Unlabelled:
        wanted, ranked = split_of_question(question), question.protocol.predicts == "ranks"
        if (wanted, ranked) not in known:
            known[wanted, ranked] = labelled(wanted).unlabelled(with_texts=ranked)
        return known[wanted, ranked]

    return read


def _with_hint(error: EcgbenchError) -> str:
    return error.message if error.hint is None else f"{error.message} {error.hint}"


def _in_words(question: Question) -> str:
    """In words, which test records a question is about."""
    task, protocol = question.task, question.protocol
    only = protocol.only(question.variant)
    groups = [f"{column} {value}" for column, value in only.items()]
    reported = ["with a report"] if protocol.predicts != "scores" else []
    return ", ".join([f"{task.dataset} {task.labels}", *groups, *reported])


def _unscorable(cell: Draft | Result) -> str | None:
    """Why the test records of a cell allow no figure of its predictions; None where they do."""
    if cell.protocol.predicts != "scores":
        return None
    try:
        return prepared(split_of_result(cell)).no_class_is_scorable()
    except EcgbenchError:  # the cell will say so itself
        return None


def _log_traceback(out: Path, wanted: Draft | Result) -> None:
    """Keep the traceback of an unexpected failure beside the results."""
    log = out / "failures.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{wanted.key}\n{traceback.format_exc()}\n")
