"""The contract of a protocol: how a question is put to a method.

A protocol gets a :class:`Bench` (the method, one data set, one seed and draw) and gives predictions for
the test records. It cannot reach test labels: :meth:`Bench.labels` refuses them, and scoring happens
elsewhere, once, after the predictions are written. So no choice can be made on the test split.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ecgbench.errors import EcgbenchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from omegaconf import DictConfig

    from ecgbench.data.dataset import Dataset, LabelTable
    from ecgbench.data.signals import Transform
    from ecgbench.method import Method
    from ecgbench.plugins import MethodInfo, ProtocolSpec, TaskSpec
    from ecgbench.results.predictions import Predictions

Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Outcome:
    """What a protocol gives back.

    Attributes:
        predictions: For the test records of the task, in their order.
        n_train: Records that were trained on.
        n_val: Records that choices were made on.
        choices: What validation chose, JSON-like; goes into the result.
    """

    predictions: Predictions
    n_train: int
    n_val: int
    choices: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """One cell's material, and nothing of its test labels.

    Attributes:
        info: The method's description.
        task: The question.
        protocol: How it is put.
        variant: Name of the protocol's variant.
        dataset: The task's data set.
        config: The effective configuration.
        seed: Of everything random that is not a draw.
        draw: Which subset of the training records.
        load_method: Gives the pre-trained method, in eval mode, on the run's device.
        encode: ``(rows, transform) -> [n, features]`` float32 of records of ``dataset``, from the
            cache where it holds them; ``transform`` changes the signals first.
    """

    info: MethodInfo
    task: TaskSpec
    protocol: ProtocolSpec
    variant: str
    dataset: Dataset
    config: DictConfig
    seed: int
    draw: int
    load_method: Callable[[], Method]
    encode: Callable[[NDArray[np.intp], Transform | None], NDArray[np.float32]]

    @property
    def settings(self) -> dict[str, Any]:
        """The protocol's parameters with those of the variant."""
        return {**self.protocol.params, **self.protocol.variants[self.variant]}

    def labels(self, split: Split) -> LabelTable:
        """Labels of the training or validation records.

        Raises:
            EcgbenchError: The test split is asked for.
        """
        if split == "test":
            raise EcgbenchError(
                f"{self.protocol.name} asked for test labels.",
                "A protocol predicts; ecgbench.scoring scores.",
            )
        return self.dataset.labels(self.task.labels, split)

    def rows(self, split: Split) -> NDArray[np.intp]:
        """Positions in the data set of a split's records of this task."""
        return np.asarray(self.dataset.labels(self.task.labels, split).rows, np.intp)

    def record_ids(self, split: Split) -> NDArray[np.str_]:
        """Their ids."""
        return np.asarray(self.dataset.labels(self.task.labels, split).record_ids, str)

    def features(
        self, rows: NDArray[np.intp], transform: Transform | None = None
    ) -> NDArray[np.float32]:
        """Features ``[n, d]`` of records, by the method's ``encode_ecg`` in eval mode."""
        return self.encode(rows, transform)


class Protocol(ABC):
    """How a question is put.

    Args:
        spec: Its file in ``tasks/protocols``.
    """

    def __init__(self, spec: ProtocolSpec) -> None:
        self.spec = spec

    def refuses(self, info: MethodInfo) -> str | None:
        """Why a method cannot take part; None where it can."""
        missing = [ability for ability in self.spec.requires if ability not in info.encodes]
        return f"{info.name} does not encode {' and '.join(missing)}" if missing else None

    @abstractmethod
    def run(self, bench: Bench) -> Outcome:
        """Predict the test records of one cell."""
