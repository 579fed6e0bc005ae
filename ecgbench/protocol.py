"""The interface of a protocol: how a method is evaluated.

A protocol gets a :class:`Bench` (the method, the training data, one seed and draw) and returns predictions
for the test records. A protocol gets no test labels. Its data sets are views without test labels
(``data/withheld.py``). The harness refuses other ways to read test labels while a cell is predicted
(``base/withholding.py``). Scoring reads the test labels after the predictions are written. This prevents
model selection on test labels in honest code. It does not stop a program from reading the user's files;
``docs/tracks.md`` describes the guarantee.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, cast
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import EcgbenchError, NotApplicableError
from ecgbench.metrics.words import words

if TYPE_CHECKING:
    from ecgbench.config.sections import Config
    from ecgbench.data.dataset import Dataset
    from ecgbench.data.signals import Transform
    from ecgbench.method import Method
    from ecgbench.plugins.specs import MethodInfo, ProtocolSpec, TaskSpec
    from ecgbench.results.predictions import Predictions

Split = Literal["train", "val"]
Features = NDArray[np.float32]
T = TypeVar("T")


@dataclass(frozen=True)
class Records:
    """Some records of a data set.

    Attributes:
        dataset: Data set of the records.
        rows: ``[n]``, positions in the data set.
        ids: ``[n]``, record ids.
    """

    dataset: Dataset
    rows: NDArray[np.intp]
    ids: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, positions: NDArray[np.integer]) -> Records:
        """The records at these positions."""
        return Records(self.dataset, self.rows[positions], self.ids[positions])


@dataclass(frozen=True)
class Labelled:
    """Records with their labels.

    Attributes:
        records: ``n`` records.
        classes: ``k`` names.
        values: ``[n, k]`` zeros and ones.
    """

    records: Records
    classes: tuple[str, ...]
    values: NDArray[np.uint8]


@dataclass(frozen=True)
class Reported:
    """Records with their reports.

    Attributes:
        records: ``n`` records.
        texts: ``[n]``, never empty.
    """

    records: Records
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What a protocol returns.

    Attributes:
        predictions: For the test records, in their order.
        n_train: Number of training records.
        n_val: Number of validation records.
        choices: Settings chosen on validation, JSON-like; stored in the result.
        notes: Sentences for readers of the figures; shown below the tables.
    """

    predictions: Predictions
    n_train: int
    n_val: int
    choices: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Frozen(Interface):
    """A pre-trained method in eval mode, never changed; see ``training/encode.py``."""

    def method(self) -> Method:
        """The method itself, on the run's device; copy it before training it."""

    def signals(self, records: Records, transform: Transform | None) -> NDArray[np.float16]:
        """``[n, leads, samples]``."""

    def features(self, records: Records, transform: Transform | None, kind: str) -> Features:
        """``[n, d]``, by ``encode_ecg`` (kind ``ecg``) or ``embed_ecg`` (kind ``joint``)."""

    def tokens(self, records: Records, most: int) -> Features:
        """``[n, k, width]`` with ``k <= most``, by ``encode_tokens``."""

    def embed_texts(self, texts: Sequence[str]) -> Features:
        """``[n, dim]``."""


@dataclass(frozen=True)
class Bench:
    """Everything that a protocol gets for one cell, without test labels.

    Attributes:
        info: The method's description.
        task: The task's description.
        protocol: The protocol's description.
        variant: Name of the protocol's variant.
        config: The effective configuration.
        seed: Random seed of everything but the training subset.
        draw: Number of the training subset.
        training_data: The training data set, without its test labels and test reports.
        test: The records to predict, in a data set without test labels. For a protocol that predicts texts
            or ranks, only the records with a report.
        test_texts: Reports of the test records, in the same order. Empty unless ranks are predicted.
        classes: Classes to predict. For a task with a ``source``, the mapped classes.
        frozen: The pre-trained method.
        shared: Values that cells of this method, data set and seed share; see :meth:`once`.
    """

    info: MethodInfo
    task: TaskSpec
    protocol: ProtocolSpec
    variant: str
    config: Config
    seed: int
    draw: int
    training_data: Dataset
    test: Records
    test_texts: tuple[str, ...]
    classes: tuple[str, ...]
    frozen: Frozen
    shared: dict[Hashable, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Any:
        """The settings of the variant, an instance of the protocol's settings class."""
        return self.protocol.of(self.variant)

    def labelled(self, split: Split) -> Labelled:
        """The training or validation records with their labels.

        Raises:
            EcgbenchError: The test split is asked for.
            NotApplicableError: The split has no labelled record, or no class of the training split has
                both positives and negatives.
        """
        self._refuse_test(split, "labels")
        table = self.training_data.labels(self.task.trained_on.labels, split)
        positives = table.values.sum(axis=0)
        differ = (positives > 0) & (positives < len(table.values))
        if not len(table.values) or (split == "train" and not differ.any()):
            lack = (
                "no labelled record" if not len(table.values) else "one kind of label in each class"
            )
            name = self.training_data.spec.name
            raise NotApplicableError(
                f"The {split} split of {name} has {lack} of {self.task.trained_on.labels}.",
                f"See `ecgbench data info {name}`.",
            )
        records = Records(self.training_data, table.rows.astype(np.intp), table.record_ids)
        return Labelled(records, table.classes, table.values)

    def reports(self, split: Split) -> Reported:
        """All training or validation records that have a report, regardless of their labels.

        Raises:
            EcgbenchError: The test split is asked for.
        """
        self._refuse_test(split, "reports")
        rows = np.asarray(self.training_data.rows(split), np.intp)
        texts = self.training_data.records["report"].to_numpy(dtype=object)
        rows = rows[[bool(words(str(texts[row]))) for row in rows]]
        ids = self.training_data.records.index.to_numpy(dtype=str)[rows]
        return Reported(
            Records(self.training_data, rows, ids), tuple(str(texts[row]) for row in rows)
        )

    def test_reports(self) -> Reported:
        """The test records with their reports, for a protocol that predicts ranks.

        Raises:
            EcgbenchError: The protocol does not predict ranks.
        """
        if self.protocol.predicts != "ranks":
            self._refuse_test("test", "reports")
        return Reported(self.test, self.test_texts)

    def signals(self, records: Records, transform: Transform | None = None) -> NDArray[np.float16]:
        """Signals ``[n, leads, samples]``, processed as the method's configuration says."""
        return self.frozen.signals(records, transform)

    def features(self, records: Records, transform: Transform | None = None) -> Features:
        """Features ``[n, d]`` by the method's ``encode_ecg``; ``transform`` changes the signals first."""
        return self.frozen.features(records, transform, "ecg")

    def embeddings(self, records: Records) -> Features:
        """Unit vectors ``[n, dim]`` by the method's ``embed_ecg``."""
        return self.frozen.features(records, None, "joint")

    def tokens(self, records: Records, most: int) -> Features:
        """Tokens ``[n, k, width]`` by its ``encode_tokens``, averaged down to ``most`` at most."""
        return self.frozen.tokens(records, most)

    def text_embeddings(self, texts: Sequence[str]) -> Features:
        """Unit vectors ``[n, dim]`` by the method's ``embed_text``."""
        return self.frozen.embed_texts(texts)

    def load_method(self) -> Method:
        """The method in eval mode on the run's device. All cells share it. Copy it before training it."""
        return self.frozen.method()

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Compute a value once for all cells of this method, data set and seed.

        Args:
            key: Everything else that the value depends on. Begins with the name of the calling protocol.
            make: Computes the value. Called for the first cell that asks.
        """
        if key not in self.shared:
            self.shared[key] = make()
        return cast(T, self.shared[key])

    def _refuse_test(self, split: str, what: str) -> None:
        if split == "test":
            raise EcgbenchError(
                f"{self.protocol.name} asked for test {what}.",
                "A protocol predicts the test records; it learns and chooses on the others.",
            )


class Protocol(ABC):
    """Base class of protocols: how a method is evaluated on a task.

    Args:
        spec: The protocol's description, a file in ``tasks/protocols``.

    Attributes:
        validated: Key of :attr:`Outcome.choices` that holds the macro-AUROC on validation. Settings may be
            chosen by it. None for a protocol without one.
    """

    validated: ClassVar[str | None] = None

    def __init__(self, spec: ProtocolSpec) -> None:
        self.spec = spec

    def refuses(self, info: MethodInfo, config: Config) -> str | None:
        """Why a method with this configuration cannot take part; None if it can.

        Called before anything is trained.
        """
        return self.spec.declines(info)

    @abstractmethod
    def run(self, bench: Bench) -> Outcome:
        """Predict the test records of one cell."""
