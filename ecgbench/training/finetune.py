"""Fine-tuning: an encoder with a linear head, trained end to end; the same loop for every method.

The schedule is counted in optimiser steps. Validation takes place ``finetune.epochs`` times at equal
intervals, and the weights of the best epoch are kept. A small training set is repeated until
``finetune.min_steps`` steps are reached.
"""

from __future__ import annotations

import copy
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from ecgbench.config.sections import Config
from ecgbench.method import Method
from ecgbench.metrics.classification import auroc, macro
from ecgbench.training.device import pick_device, pick_precision, use_threads
from ecgbench.training.encode import ENDS, check_batch_independence
from ecgbench.training.loss_watch import LossWatch
from ecgbench.training.optim import adamw, cosine_with_warmup
from ecgbench.training.quiet import without_advice
from ecgbench.training.windows import name_of

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

_LEAST_SPREAD = 0.1  # of a feature, relative to the root mean square over features


@dataclass(frozen=True)
class Examples:
    """Records for training, or for selecting the epoch.

    Attributes:
        signals: ``[n, leads, samples]``.
        labels: ``[n, k]``, zeros and ones.
    """

    signals: NDArray[np.floating]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class Schedule:
    """Length and learning rate for a number of training records, as read by ``optim.py``."""

    epochs: int
    epoch_steps: int
    batch_size: int
    lr: float
    min_lr: float
    weight_decay: float
    warmup: float

    @property
    def steps(self) -> int:
        """Total number of optimiser steps."""
        return self.epochs * self.epoch_steps

    @classmethod
    def of(cls, config: Config, records: int) -> Schedule:
        """The schedule that section ``finetune`` defines for a number of training records."""
        wanted = config.finetune
        epochs, size = int(wanted.epochs), min(int(wanted.batch_size), records)
        return cls(
            epochs=epochs,
            epoch_steps=max(math.ceil(records / size), math.ceil(wanted.min_steps / epochs)),
            batch_size=size,
            lr=float(wanted.lr),
            min_lr=float(wanted.min_lr),
            weight_decay=float(wanted.weight_decay),
            warmup=float(wanted.warmup),
        )


class Classifier(nn.Module):
    """A copy of a method with a linear head.

    The input of the head is standardised with the statistics of the frozen method's features on the training
    records. These are fixed numbers, so the head is linear, and the learning rate is independent of the
    unit of the features. The head is initialised at the prior odds of the classes.

    Args:
        method: The method to copy; it does not change.
        features: ``[n, d]`` of the training records, from the frozen method.
        labels: ``[n, k]``.
    """

    def __init__(
        self, method: Method, features: NDArray[np.float32], labels: NDArray[np.uint8]
    ) -> None:
        super().__init__()
        self.method = copy.deepcopy(method)
        spread = features.std(axis=0)
        least = _LEAST_SPREAD * float(np.sqrt(np.mean(spread**2)))
        self.mean: Tensor
        self.spread: Tensor
        self.register_buffer("mean", torch.from_numpy(features.mean(axis=0)))
        self.register_buffer("spread", torch.from_numpy(np.maximum(spread, least or 1.0)))
        self.head = nn.Linear(features.shape[1], labels.shape[1])
        nn.init.zeros_(self.head.weight)
        share = (labels.sum(axis=0) + 1) / (len(labels) + 2)
        with torch.no_grad():
            self.head.bias.copy_(torch.from_numpy(np.log(share / (1 - share))))

    def forward(self, ecg: Tensor) -> Tensor:
        """Logits: ``[B, leads, samples] -> [B, k]``."""
        logits: Tensor = self.head((self.method.encode_ecg(ecg) - self.mean) / self.spread)
        return logits


@dataclass(frozen=True)
class Finetuned:
    """A classifier with the weights of the best epoch.

    Attributes:
        schedule: Training schedule.
        epoch: The best epoch, from 1; the last if validation scores no class.
        by_epoch: Macro-AUROC on validation per epoch; None if no class is scored.
        validation: ``[n_val, k]`` logits of the best epoch.
    """

    schedule: Schedule
    epoch: int
    by_epoch: tuple[float | None, ...]
    validation: NDArray[np.float64]
    _module: LightningModule
    _trainer: Trainer
    _batch: int

    @without_advice()
    def scores(self, signals: NDArray[np.floating]) -> NDArray[np.float64]:
        """Logits ``[n, k]`` in eval mode.

        Raises:
            EcgbenchError: The tuned method gives a record other logits in another batch.
        """
        logits = self._predict(signals)
        if len(signals) > 1:
            name = type(self._module.classifier.method).__name__
            again = self._predict(signals[ENDS])
            check_batch_independence(name, logits, again, self._trainer.precision)
        return logits

    def _predict(self, signals: NDArray[np.floating]) -> NDArray[np.float64]:
        examples = TensorDataset(torch.from_numpy(np.array(signals)))
        parts = self._trainer.predict(self._module, DataLoader(examples, self._batch))
        assert parts is not None
        return torch.cat(parts).double().numpy()


def has_gradient(method: Method, signals: NDArray[np.floating]) -> bool:
    """Whether a method's features depend on trainable weights.

    Args:
        method: The method; it does not change.
        signals: ``[n, leads, samples]``; one record is sufficient.
    """
    device = next((p.device for p in method.parameters()), torch.device("cpu"))
    with torch.enable_grad():
        ecg = torch.from_numpy(np.asarray(signals, np.float32)).to(device)
        return bool(method.encode_ecg(ecg).requires_grad)


@without_advice()
def finetune(
    method: Method,
    features: NDArray[np.float32],
    train: Examples,
    val: Examples,
    config: Config,
    seed: int,
) -> Finetuned:
    """Train a copy of a method on labels; validation selects the epoch.

    Args:
        method: The pre-trained method; it does not change.
        features: ``[n, d]`` of the training records, from the frozen method.
        train: ``n`` records.
        val: Validation records.
        config: The effective configuration.
        seed: Random seed of order and dropout.

    Raises:
        EcgbenchError: The loss became NaN.
    """
    import lightning.pytorch as pl

    use_threads(config)
    torch.manual_seed(seed)
    device = pick_device(config)
    schedule = Schedule.of(config, len(train.labels))
    module = _module(Classifier(method, features, train.labels).train(), schedule)
    trainer = pl.Trainer(
        accelerator={"cuda": "gpu"}.get(device.type, device.type),
        devices=1,
        precision=pick_precision(config, device),
        max_epochs=schedule.epochs,
        gradient_clip_val=float(config.finetune.clip) or None,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=sys.stderr.isatty(),
    )
    batch = int(config.compute.encode_batch)
    trainer.fit(module, _shuffled(train, schedule, seed), DataLoader(_tensors(val), batch))
    if trainer.interrupted:
        raise KeyboardInterrupt
    best: Best = module.best
    module.classifier.load_state_dict(best.state)
    return Finetuned(
        schedule, best.epoch, tuple(module.by_epoch), best.logits, module, trainer, batch
    )


@dataclass
class Best:
    """The best epoch so far."""

    epoch: int
    figure: float | None
    logits: NDArray[np.float64]
    state: dict[str, Tensor]


def _tensors(examples: Examples) -> TensorDataset:
    labels = torch.from_numpy(examples.labels.astype(np.float32))
    return TensorDataset(torch.from_numpy(np.array(examples.signals)), labels)


def _shuffled(train: Examples, schedule: Schedule, seed: int) -> DataLoader[Any]:
    """Batches of an epoch; permutations are repeated until the epoch has all its steps."""
    dataset = _tensors(train)
    order = RandomSampler(
        dataset,
        num_samples=schedule.epoch_steps * schedule.batch_size,
        generator=torch.Generator().manual_seed(seed),
    )
    return DataLoader(dataset, batch_sampler=BatchSampler(order, schedule.batch_size, True))


def _module(classifier: Classifier, schedule: Schedule) -> LightningModule:
    """The classifier as a Lightning module; defined here so that importing this file is cheap."""
    import lightning.pytorch as pl

    class FinetuneModule(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.classifier = classifier
            self.by_epoch: list[float | None] = []
            self.best: Best | None = None
            self._looked: list[tuple[Tensor, Tensor]] = []
            self.watch = LossWatch(name_of(classifier.method), "finetune")

        def forward(self, ecg: Tensor) -> Tensor:
            logits: Tensor = self.classifier(ecg.float()).float()
            return logits

        def training_step(self, batch: list[Tensor], index: int) -> Tensor:
            ecg, labels = batch
            loss = F.binary_cross_entropy_with_logits(self(ecg), labels)
            self.watch.note(loss, self.global_step)
            return loss

        def validation_step(self, batch: list[Tensor], index: int) -> None:
            self._looked.append((self(batch[0]).cpu(), batch[1].cpu()))

        def on_validation_epoch_end(self) -> None:
            self.watch.look()
            logits, labels = (torch.cat(part).numpy() for part in zip(*self._looked, strict=True))
            self._looked.clear()
            looked = macro(auroc(labels.astype(np.uint8), logits))
            figure = looked.mean if looked.scored else None
            self.by_epoch.append(figure)
            if self.best is None or figure is None or figure > (self.best.figure or 0.0):
                state = {key: v.clone() for key, v in self.classifier.state_dict().items()}
                self.best = Best(len(self.by_epoch), figure, logits.astype(np.float64), state)

        def predict_step(self, batch: list[Tensor], index: int) -> Tensor:
            logits: Tensor = self(batch[0])
            return logits.cpu()

        def configure_optimizers(self) -> dict[str, Any]:
            fused = self.device.type == "cuda" and self.trainer.precision != "16-mixed"
            optimiser = adamw(self.classifier, schedule, fused)
            factor = cosine_with_warmup(schedule)
            by_step = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
            return {
                "optimizer": optimiser,
                "lr_scheduler": {"scheduler": by_step, "interval": "step"},
            }

    return FinetuneModule()
