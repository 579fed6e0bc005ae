"""From a pre-trained method to the predictions of one cell."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from ecgbench.base.code import code_address
from ecgbench.base.hashing import content_hash
from ecgbench.data.dataset import Dataset
from ecgbench.data.withheld import without_test_labels
from ecgbench.evaluation.ground_truth import Unlabelled
from ecgbench.plugins.importing import code_of, load_object
from ecgbench.protocol import Bench, Outcome, Protocol, Records
from ecgbench.training.encode import Encoder
from ecgbench.training.pretrain import pretrain
from ecgbench.training.recipe import Recipe

if TYPE_CHECKING:
    from ecgbench.plugins.specs import MethodInfo, ProtocolSpec
    from ecgbench.runs.plan import Question


def predictions_code(method: MethodInfo, protocol: ProtocolSpec) -> str:
    """Address of all code between prepared data sets and the predictions of a cell."""
    parts = (
        code_address(__name__),
        code_of(method.folder, method.model, method.settings),
        code_of(protocol.folder, protocol.entry, protocol.settings),
    )
    return content_hash(parts)


def protocol_of(spec: ProtocolSpec) -> Protocol:
    """The protocol that a description names.

    Raises:
        PluginError: Its code cannot be imported.
    """
    protocol: Protocol = load_object(spec.entry, spec.folder)(spec)
    return protocol


def encoder_of(recipe: Recipe) -> Encoder:
    """The pre-trained method of a recipe: trained now, or found."""
    return Encoder(recipe, pretrain(recipe))


def bench_of(
    encoder: Encoder,
    question: Question,
    draw: int,
    training: Dataset,
    tested: Dataset,
    records: Unlabelled,
    shared: dict[Hashable, Any],
) -> Bench:
    """The bench that the protocol of one cell gets.

    Args:
        encoder: The pre-trained method.
        question: The question.
        draw: Which subset of the training records.
        training: The data set of the training records.
        tested: The data set of the test records.
        records: The test records.
        shared: What cells of this method, data set and seed share.
    """
    target = without_test_labels(tested, records.rows)
    return Bench(
        info=encoder.recipe.info,
        task=question.task,
        protocol=question.protocol,
        variant=question.variant,
        config=encoder.recipe.config,
        seed=encoder.recipe.seed,
        draw=draw,
        training_data=training if question.task.source else target,
        test=Records(target, records.rows, records.record_ids),
        test_texts=records.texts,
        classes=records.classes,
        frozen=encoder,
        shared=shared,
    )


def predict(bench: Bench) -> Outcome:
    """Predict the test records of a cell.

    Raises:
        NotApplicableError: The method cannot take part; says why.
    """
    return protocol_of(bench.protocol).run(bench)
