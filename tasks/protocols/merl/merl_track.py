"""Track ``merl``: MERL's linear probe as its public code runs it, for figures comparable with papers.

Flaws that need no test labels are kept: the learning rate falls by the batch, there is one unstratified
draw with one seed, and F1 uses thresholds of the test split. Two properties are not kept (docs/tracks.md).
The best test epoch is not available, because a protocol gets no test labels. Features are encoded in eval
mode.

Source: finetune/main_single.py of MERL's code (Liu et al., ICML 2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from ecgbench.base.errors import NotApplicableError
from ecgbench.config.sections import Config
from ecgbench.data.merl import merl_fraction_rows
from ecgbench.metrics.classification import auroc, macro
from ecgbench.plugins.specs import MethodInfo
from ecgbench.protocol import Bench, Features, Labelled, Outcome, Protocol, Records
from ecgbench.results.predictions import ScorePredictions

from .settings import MerlSettings

_NOTE = (
    "Track merl: published figures of this lineage may be of the best test epoch; this one is of the "
    "{which} epoch."
)


class FittedHead(NamedTuple):
    """A linear layer after an epoch of training.

    Attributes:
        weights: ``[k, d]``.
        biases: ``[k]``.
        epoch: Number of the epoch, from 1.
        validation: Macro-AUROC on validation; None without a class that can be scored.
    """

    weights: NDArray[np.float64]
    biases: NDArray[np.float64]
    epoch: int
    validation: float | None

    def scores(self, features: Features) -> NDArray[np.float64]:
        """Logits ``[n, k]``."""
        logits: NDArray[np.float64] = features.astype(np.float64) @ self.weights.T + self.biases
        return logits


@dataclass(frozen=True)
class FirstSeconds:
    """Zeros after the first seconds of a record, before scaling: MERL's reading of CPSC2018."""

    seconds: float
    name: str = "first-seconds"

    @property
    def params(self) -> Mapping[str, Any]:
        """Parameters; together with the name they identify the transform."""
        return {"seconds": self.seconds}

    def __call__(
        self, signals: NDArray[np.float32], rate: float, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """``[n, leads, samples]``, of the same shape."""
        kept = signals.copy()
        kept[..., round(self.seconds * rate) :] = 0.0
        return kept


class MerlLinearProbe(Protocol):
    """One linear layer on frozen features, trained by MERL's schedule."""

    def refuses(self, info: MethodInfo, config: Config) -> str | None:
        """Also refuses a method whose input is not MERL's; the reason names the settings to change."""
        wanted = self.spec.of(next(iter(self.spec.variants))).signal
        if config.signal == wanted:
            return super().refuses(info, config)
        overrides = " ".join(f"signal.{key}={_typed(value)}" for key, value in wanted)
        return super().refuses(info, config) or (
            f"Track merl has other signals than {info.name} is configured for. "
            f"Pre-train and run it with {overrides}."
        )

    def run(self, bench: Bench) -> Outcome:
        """Train on MERL's draw, take the epoch that the variant names, predict the test records."""
        settings: MerlSettings = bench.settings
        train, val = bench.labelled("train"), bench.labelled("val")
        for records in (train.records, bench.test):
            _see_rate(records, bench.settings.signal.rate)
        if int(settings.fraction * len(train.records)) < 1 or not len(val.records):
            raise NotApplicableError(
                f"{len(train.records)} training and {len(val.records)} validation records are too few "
                "for track merl: its draw or its choice would be of none."
            )
        chosen = merl_fraction_rows(len(train.records), settings.fraction)
        drawn = Labelled(train.records.take(chosen), train.classes, train.values[chosen])
        key = ("merl", bench.task.trained_on.labels, settings.fraction)
        heads = bench.once(key, lambda: _fit(bench, drawn, val))
        head = heads[settings.epoch]
        columns = [train.classes.index(name) for name in bench.classes]
        return Outcome(
            predictions=ScorePredictions.of(
                bench.test.ids, bench.classes, head.scores(_features(bench, bench.test))[:, columns]
            ),
            n_train=len(chosen),
            n_val=len(val.records),
            choices={
                "epoch": head.epoch,
                "chosen_by": settings.epoch,
                "validation_macro_auroc": head.validation,
                "untrained_classes": int((drawn.values.sum(axis=0) == 0).sum()),
            },
            notes=(_NOTE.format(which=_WHICH[settings.epoch]),),
        )


_WHICH = {"validation": "best validation", "last": "last"}


def fit_as_merl(
    features: Features,
    labels: NDArray[np.uint8],
    features_val: Features,
    labels_val: NDArray[np.uint8],
    settings: MerlSettings,
) -> dict[str, FittedHead]:
    """Train MERL's probe.

    Args:
        features: ``[n, d]`` of the drawn training records.
        labels: ``[n, k]`` zeros and ones.
        features_val: ``[n_val, d]``.
        labels_val: ``[n_val, k]``.
        settings: The schedule.

    Returns:
        The head of the best epoch by ``validation``, and of the ``last``.
    """
    x, y = torch.from_numpy(features), torch.from_numpy(labels.astype(np.float32))
    found: dict[str, FittedHead] = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        layer = nn.Linear(x.shape[1], y.shape[1])
        optimiser, schedule = merl_optimiser(layer, settings)
        for epoch in range(settings.epochs):
            for batch in torch.split(torch.randperm(len(x)), settings.batch_size):
                optimiser.zero_grad()
                torch.autograd.backward(
                    F.binary_cross_entropy_with_logits(layer(x[batch]), y[batch])
                )
                optimiser.step()
                schedule.step()  # after each batch, as in MERL's code; published figures have this flaw
            schedule.step()  # and after each epoch
            found["last"] = _looked_at(layer, epoch + 1, features_val, labels_val)
            best = found.setdefault("validation", found["last"])
            if (found["last"].validation or 0.0) > (best.validation or 0.0):
                found["validation"] = found["last"]
    return found


def merl_optimiser(
    layer: nn.Module, settings: MerlSettings
) -> tuple[torch.optim.Adam, torch.optim.lr_scheduler.MultiStepLR]:
    """Adam with L2 in its gradient, and the schedule whose milestone was meant in epochs."""
    optimiser = torch.optim.Adam(
        layer.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    milestones, gamma = [settings.milestone], settings.gamma
    return optimiser, torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones, gamma)


def _looked_at(
    layer: nn.Linear, epoch: int, features: Features, labels: NDArray[np.uint8]
) -> FittedHead:
    weights, biases = (p.detach().double().numpy().copy() for p in (layer.weight, layer.bias))
    head = FittedHead(weights, biases, epoch, None)
    looked = macro(auroc(labels, head.scores(features)))
    return head._replace(validation=looked.mean if looked.scored else None)


def _fit(bench: Bench, drawn: Labelled, val: Labelled) -> dict[str, FittedHead]:
    return fit_as_merl(
        _features(bench, drawn.records),
        drawn.values,
        _features(bench, val.records),
        val.values,
        bench.settings,
    )


def _features(bench: Bench, records: Records) -> Features:
    """The transform that MERL's reading needs: only the first five seconds of CPSC2018."""
    seconds = bench.settings.first_seconds.get(records.dataset.spec.family)
    return bench.features(records, None if seconds is None else FirstSeconds(seconds))


def _see_rate(records: Records, wanted: float) -> None:
    """Check that the stored sampling rate is not below MERL's.

    Raises:
        NotApplicableError: The stored sampling rate is too low.
    """
    name, rate = records.dataset.spec.name, records.dataset.store.rate
    if rate < wanted:
        raise NotApplicableError(
            f"Track merl reads {wanted:g} Hz, and {name} is stored at {rate:g} Hz."
        )


def _typed(value: object) -> str:
    return "null" if value is None else str(value)
