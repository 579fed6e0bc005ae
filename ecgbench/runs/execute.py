"""Running a group of cells: one pre-training, one encoding, many questions.

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
from ecgbench.base.paths import check_writable, stop_if_full
from ecgbench.data.dataset import Dataset
from ecgbench.evaluation.ground_truth import Truth, Wanted
from ecgbench.evaluation.scoring import score
from ecgbench.plugins.importing import load_object
from ecgbench.protocol import Bench, Outcome, Protocol, Records
from ecgbench.results.ledger import note_test_evaluation
from ecgbench.results.predictions import write_predictions
from ecgbench.results.provenance import peak_memory_mb
from ecgbench.results.schema import CostPart, Draft, Result, Scores
from ecgbench.results.store import path_of, write_result
from ecgbench.runs.draft import draft, finished, wanted_by
from ecgbench.runs.plan import Question
from ecgbench.training.device import describe, pick_device, pick_precision, processes
from ecgbench.training.encode import Encoder
from ecgbench.training.pretrain import pretrain
from ecgbench.training.recipe import Recipe


@dataclass
class Session:
    """One group being run: what its cells share.

    Attributes:
        recipe: What decides the pre-training.
        dataset: The data set that is trained on.
        open: Gives the data sets that are tested on.
        truth_of: Gives their test records.
        out: Folder of results.
        overrides: What the user set.
    """

    recipe: Recipe
    dataset: Dataset
    open: Callable[[str], Dataset]
    truth_of: Callable[[Wanted], Truth]
    out: Path
    overrides: Sequence[str] = ()
    _encoder: Encoder | None = field(default=None, repr=False)
    _broken: str | None = None
    _shared: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def drafts(self, cells: Sequence[tuple[Question, int]]) -> list[tuple[Question, Draft]]:
        """A draft of each cell."""
        return [
            (
                question,
                draft(
                    self.recipe,
                    self.dataset,
                    self.open(question.task.dataset),
                    self._truth(question),
                    question,
                    draw,
                    self.overrides,
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
        """Run cells and write their results, one by one."""
        for question, wanted in missing:
            result = self._cell(question, wanted)
            write_result(self.out, result)
            yield result

    def _cell(self, question: Question, wanted: Draft) -> Result:
        protocol: Protocol = load_object(question.protocol.entry, question.protocol.folder)(
            question.protocol
        )
        reason = protocol.refuses(self.recipe.info, self.recipe.config)
        if reason is None and not len(self._truth(question)):
            reason = f"no test record is left of {_asked(question)}"
        if reason is not None:
            return wanted.result("not-applicable", reason)
        try:
            return self._evaluate(protocol, question, wanted)
        except NotApplicableError as error:
            why = error.message if error.hint is None else f"{error.message} {error.hint}"
            return wanted.result("not-applicable", why)
        except StorageError:
            raise
        except EcgbenchError as error:
            reason = error.message
        except Exception as error:  # a method may fail in any way, and must spoil no other cell
            stop_if_full(error)
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            _log_traceback(self.out, wanted)
        return wanted.result("failed", reason)

    def _evaluate(self, protocol: Protocol, question: Question, wanted: Draft) -> Result:
        encoder = self._ready()
        encoded = encoder.seconds
        started = time.perf_counter()
        outcome = protocol.run(self._bench(encoder, question, wanted.draw))
        evaluating = time.perf_counter() - started - (encoder.seconds - encoded)
        file = path_of(self.out, wanted).with_suffix(".npz")
        predictions = write_predictions(file, outcome.predictions)
        evaluations = note_test_evaluation(self.out, wanted.key, predictions.sha256)
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
            "ok",
            method=wanted.method.model_copy(update={"parameters": manifest["parameters"]}),
            data=wanted.data.model_copy(update=counted),
            pretraining=wanted.pretraining.model_copy(update=learned),
            scores=self._score(question, outcome),
            predictions=predictions,
            choices=outcome.choices,
            notes=outcome.notes,
            costs=CostPart(
                seconds=seconds,
                device=describe(pick_device(self.recipe.config)),
                peak_memory_mb=peak_memory_mb(),
            ),
            test_evaluations=evaluations,
        )

    def _score(self, question: Question, outcome: Outcome) -> Scores:
        if outcome.predictions.kind != (wanted := question.protocol.predicts):
            raise ResultError(f"The protocol gave {outcome.predictions.kind} in place of {wanted}.")
        resamples = int(self.recipe.config.evaluate.resamples)
        return score(outcome.predictions, self._truth(question), resamples=resamples)

    def _truth(self, question: Question) -> Truth:
        return self.truth_of(wanted_by(question))

    def _ready(self) -> Encoder:
        """The pre-trained method; a pre-training that failed is not tried again for each cell."""
        if self._broken is not None:
            raise EcgbenchError(self._broken)
        if self._encoder is None:
            try:
                self._encoder = Encoder(self.recipe, pretrain(self.recipe))
            except Exception as error:
                message = error.message if isinstance(error, EcgbenchError) else repr(error)
                self._broken = f"pre-training failed: {message}"
                raise
        return self._encoder

    def _bench(self, encoder: Encoder, question: Question, draw: int) -> Bench:
        truth, protocol = self._truth(question), question.protocol
        assert truth.rows is not None
        return Bench(
            info=self.recipe.info,
            task=question.task,
            protocol=protocol,
            variant=question.variant,
            config=self.recipe.config,
            seed=self.recipe.seed,
            draw=draw,
            source=self.dataset,
            test=Records(self.open(question.task.dataset), truth.rows, truth.record_ids),
            test_texts=truth.texts if protocol.predicts == "ranks" else (),
            classes=truth.classes,
            frozen=encoder,
            shared=self._shared,
        )


def _asked(question: Question) -> str:
    """In words, which test records a question is about."""
    task, protocol = question.task, question.protocol
    only = protocol.only(question.variant)
    groups = [f"{column} {value}" for column, value in only.items()]
    reported = ["with a report"] if protocol.predicts != "scores" else []
    return ", ".join([f"{task.dataset} {task.labels}", *groups, *reported])


def _log_traceback(out: Path, wanted: Draft) -> None:
    """Keep the traceback of an unexpected failure beside the results."""
    log = out / "failures.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{wanted.key}\n{traceback.format_exc()}\n")
