"""The training loop of one pre-training stage, with Lightning.

An interrupted stage resumes from its last saved step and reaches the same weights, because the batches, masks
and dropout of each step are drawn from a seed of that step.
"""

from __future__ import annotations

import sys
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ecgbench.base.paths import stage_dir
from ecgbench.config.sections import Config
from ecgbench.method import Method
from ecgbench.training.batches import Share, TrainingBatches, TrainingRecords, ValidationBatches
from ecgbench.training.device import pick_device, pick_precision, processes
from ecgbench.training.loss_watch import LOG_EVERY, LossWatch
from ecgbench.training.optim import adamw, cosine_with_warmup
from ecgbench.training.quiet import without_advice
from ecgbench.training.recipe import Recipe
from ecgbench.training.windows import windows_of

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule


@without_advice()
def fit(
    recipe: Recipe,
    method: Method,
    train: TrainingRecords,
    val: TrainingRecords,
    scratch: Path,
    stage: int,
) -> None:
    """Run the loop of a stage. Afterwards the method has the final weights.

    Args:
        recipe: Defines the training.
        method: Its weights change in place.
        train: TrainingRecords to learn from.
        val: TrainingRecords to look at on the way.
        scratch: Folder of saved states and of the log until the checkpoint is complete.
        stage: 0, or 1 after the corpora of ``pretrain.before``.

    Raises:
        EcgbenchError: The loss became NaN or infinite.
        KeyboardInterrupt: Ctrl-C; the last saved state is kept.
    """
    import lightning.pytorch as pl
    from lightning.pytorch.callbacks import ModelCheckpoint

    config = recipe.config
    device = pick_device(config)
    states = scratch / f"stage{stage}"
    last = states / "last.ckpt"
    done = _micro_steps_done(last)
    total = int(config.pretrain.steps) * int(config.pretrain.accumulate)
    module = _module(method, config, recipe.seed)
    saver = ModelCheckpoint(
        dirpath=states,
        filename="step",
        every_n_train_steps=int(config.pretrain.save_every),
        save_last=True,
        save_top_k=0,
        enable_version_counter=False,
    )
    states.mkdir(parents=True, exist_ok=True)
    trainer = pl.Trainer(
        accelerator={"cuda": "gpu"}.get(device.type, device.type),
        **_spread(config, device),
        precision=pick_precision(config, device),
        max_steps=int(config.pretrain.steps),
        max_epochs=-1,
        accumulate_grad_batches=int(config.pretrain.accumulate),
        gradient_clip_val=float(config.pretrain.clip) or None,
        val_check_interval=int(config.pretrain.validate_every) * int(config.pretrain.accumulate),
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        callbacks=[saver, *_averaging(config)],
        logger=_loggers(scratch, stage, int(config.pretrain.steps)),
        log_every_n_steps=LOG_EVERY,
        enable_progress_bar=sys.stderr.isatty(),
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=scratch,
    )
    share = Share(trainer.global_rank, trainer.world_size)
    loaders = _loaders(recipe, train, val, done, total, share)
    trainer.fit(module, *loaders, ckpt_path=str(last) if last.is_file() else None)
    if trainer.interrupted:
        raise KeyboardInterrupt


def _spread(config: Config, device: torch.device) -> dict[str, Any]:
    """Options of a trainer for the processes that share its batches."""
    from lightning.pytorch.plugins.environments import LightningEnvironment
    from lightning.pytorch.strategies import DDPStrategy

    count = processes(config)
    if count == 1:
        return {"devices": 1}
    # a parameter that the loss does not use (a term with weight 0) is not an error
    strategy = DDPStrategy(cluster_environment=LightningEnvironment(), find_unused_parameters=True)
    # torch synchronises batch norm only on GPUs
    return {"devices": count, "strategy": strategy, "sync_batchnorm": device.type == "cuda"}


def _loaders(
    recipe: Recipe,
    train: TrainingRecords,
    val: TrainingRecords,
    done: int,
    total: int,
    share: Share,
) -> tuple[Any, Any]:
    from torch.utils.data import DataLoader

    config = recipe.config
    size, workers = int(config.pretrain.batch_size), int(config.compute.workers)
    windows = windows_of(config)
    length = windows.length if windows else train.samples  # of what the encoder sees at once
    crop = float(config.pretrain.crop) * length / train.samples
    batches = TrainingBatches(train, size, recipe.seed, done, total, crop, share)
    looked_at = ValidationBatches(val, size, share=share, length=length)
    pinned = pick_device(config).type == "cuda"
    return (
        DataLoader(
            batches,
            batch_size=None,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=pinned,
        ),
        DataLoader(looked_at, batch_size=None, pin_memory=pinned),
    )


def _micro_steps_done(last: Path) -> int:
    """Number of completed batches in a saved state; a damaged state (full disk, power cut) is removed."""
    if not last.is_file():
        return 0
    try:
        state = torch.load(last, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, UnpicklingError):
        last.unlink(missing_ok=True)  # by another process
        return 0
    return int(state["micro_steps"])


def _loggers(scratch: Path, stage: int, steps: int) -> list[Any]:
    from lightning.pytorch.loggers import TensorBoardLogger

    from ecgbench.training.log import CsvLog

    return [
        CsvLog(scratch / "training.csv", stage * steps),
        TensorBoardLogger(stage_dir("tensorboard"), name=scratch.stem, version=f"stage{stage}"),
    ]


def _averaging(config: Config) -> list[Any]:
    from lightning.pytorch.callbacks import EMAWeightAveraging

    return [EMAWeightAveraging(decay=float(config.pretrain.ema))] if config.pretrain.ema else []


def _module(method: Method, config: Config, seed: int) -> LightningModule:
    """The method as a Lightning module; defined here so that importing this file is cheap."""
    import lightning.pytorch as pl

    class PretrainModule(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.method = method
            self.micro_steps = 0
            self.watch = LossWatch(type(method).__name__, "pretrain")

        def training_step(self, item: tuple[int, Any], index: int) -> Tensor:
            step, batch = item
            torch.manual_seed((seed + 1) * 1_000_003 + self._number(step))
            losses = self.method.losses(batch)
            self.watch.note(losses["loss"], step)
            self.micro_steps = step + 1
            self.log_dict({f"train/{k}": v.detach() for k, v in losses.items()}, batch_size=1)
            return losses["loss"]

        def validation_step(self, item: tuple[int, Any], index: int) -> None:
            step, batch = item
            with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
                torch.manual_seed(self._number(step))
                losses = self.method.losses(batch)
            self.log_dict({f"val/{k}": v for k, v in losses.items()}, batch_size=1, sync_dist=True)

        def _number(self, step: int) -> int:
            """Seed of a process's share of a batch; each share draws its own masks and dropout."""
            return int(step * self.trainer.world_size + self.global_rank)

        def on_validation_start(self) -> None:
            self.watch.look()

        def on_train_end(self) -> None:
            self.watch.look()

        def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
            self.watch.look()  # a state after a NaN is useless
            checkpoint["micro_steps"] = self.micro_steps

        def transfer_batch_to_device(
            self, item: tuple[int, Any], device: torch.device, index: int
        ) -> tuple[int, Any]:
            return item[0], item[1].to(device)

        def configure_optimizers(self) -> dict[str, Any]:
            fused = self.device.type == "cuda" and self.trainer.precision != "16-mixed"
            optimiser = adamw(self.method, config.pretrain, fused)
            schedule = torch.optim.lr_scheduler.LambdaLR(
                optimiser, cosine_with_warmup(config.pretrain)
            )
            return {
                "optimizer": optimiser,
                "lr_scheduler": {"scheduler": schedule, "interval": "step"},
            }

    return PretrainModule()
