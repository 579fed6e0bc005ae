"""Pre-training: corpus -> checkpoint, by Lightning, the same loop for every method.

A checkpoint is a folder that is addressed by what it was made from::

    weights.safetensors   every parameter and buffer
    assets/               what is no tensor (a tokenizer)
    training.csv          the logged losses
    manifest.json         the address's ingredients, sizes, costs

An interrupted pre-training goes on from its last saved step to the same weights: batches, masks and
dropout of a step are drawn from a seed of that step.

With ``compute.devices`` above one the loop runs in as many processes, which share each batch.

With ``pretrain.before`` there are two stages, each with a schedule of its own: first those data sets, then
the others from the weights that this left. Tokenizers are made from the reports of both.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch
from omegaconf import DictConfig
from torch import Tensor

from ecgbench.data.signals import adapt
from ecgbench.errors import EcgbenchError
from ecgbench.hashing import content_hash
from ecgbench.method import Method, count_parameters
from ecgbench.paths import atomic_dir, stage_dir
from ecgbench.training.batches import (
    Records,
    Share,
    TrainingBatches,
    ValidationBatches,
    tokenize_all,
)
from ecgbench.training.corpus import Corpus, load_corpus, signal_spec
from ecgbench.training.device import describe, pick_device, pick_precision, processes, use_threads
from ecgbench.training.optim import adamw, cosine_with_warmup
from ecgbench.training.processes import together
from ecgbench.training.recipe import Checkpoint, Recipe, build, find

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule


def pretrain(recipe: Recipe) -> Checkpoint:
    """Train a method, or find that it has been.

    Raises:
        EcgbenchError: The loss became NaN, or the method or the corpus cannot be used.
        ConfigError: A batch does not divide by the processes.
    """
    done = find(recipe)
    if done is not None:
        return done
    count = processes(recipe.config) if recipe.trains else 1
    if count == 1:
        _make(recipe)
    else:
        for dataset in recipe.seen:  # once, not in each process
            adapt(dataset, signal_spec(recipe.config))
        together(_make, recipe, count)
    finished = find(recipe)
    assert finished is not None
    return finished


def _make(recipe: Recipe, rank: int = 0) -> None:
    """Train in this process, one of ``compute.devices``; the first of them keeps the checkpoint."""
    use_threads(recipe.config)
    started = time.perf_counter()
    torch.manual_seed(recipe.seed)
    corpora = (
        [
            load_corpus(stage, recipe.config, recipe.info.reports, recipe.seed)
            for stage in recipe.stages
        ]
        if (recipe.trains or recipe.info.reports != "none")
        else []
    )
    method = build(recipe, sorted({text for corpus in corpora for text in corpus.reports}))
    scratch = recipe.path.with_name(recipe.path.name + ".partial")
    trained = corpora if recipe.trains else []
    texts = tokenize_all(method, sorted({text for corpus in trained for text in corpus.texts}))
    for number, corpus in enumerate(trained):
        train, val = Records(corpus.train, texts), Records(corpus.val, texts)
        _fit(recipe, method, train, val, scratch, number)
    if rank:
        return
    manifest = {
        "address": recipe.address,
        "ingredients": recipe.ingredients(),
        "datasets": [name for corpus in trained for name in corpus.names],
        "corpus": _fingerprint(trained),
        "simulated": any(corpus.simulated for corpus in trained),
        "records": sum(corpus.count()[0] for corpus in trained),
        "reports": sum(corpus.count()[1] for corpus in trained),
        "steps": int(recipe.config.pretrain.steps),
        "parameters": count_parameters(method).total,
        "seconds": round(time.perf_counter() - started, 1),
        "device": describe(pick_device(recipe.config)),
        "devices": int(recipe.config.compute.devices),
    }
    _save(recipe, method, manifest, scratch)
    shutil.rmtree(scratch, ignore_errors=True)


def _fingerprint(corpora: Sequence[Corpus]) -> str | None:
    """Of what was trained on: a corpus' own, or one of all stages in their order."""
    each = [corpus.fingerprint for corpus in corpora]
    return content_hash(each) if len(each) > 1 else next(iter(each), None)


def _save(recipe: Recipe, method: Method, manifest: dict[str, Any], scratch: Path) -> None:
    from safetensors.torch import save_file

    with atomic_dir(recipe.path) as folder:
        state = {key: value.detach().cpu().clone() for key, value in method.state_dict().items()}
        save_file(state, folder / "weights.safetensors")
        (folder / "assets").mkdir()
        method.save_assets(folder / "assets")
        log = scratch / "training.csv"
        if log.is_file():
            shutil.copy(log, folder / "training.csv")
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


def _fit(
    recipe: Recipe, method: Method, train: Records, val: Records, scratch: Path, stage: int
) -> None:
    """Run the loop of a stage; leave the method with the weights that are kept."""
    import lightning.pytorch as pl
    from lightning.pytorch.callbacks import ModelCheckpoint

    # Its hints on hardware and on other products are no news to this harness's users.
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
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
        log_every_n_steps=20,
        enable_progress_bar=sys.stderr.isatty(),
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=scratch,
    )
    share = Share(trainer.global_rank, trainer.world_size)
    loaders = _loaders(recipe, train, val, done, total, share)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on the number of workers, and the like
        trainer.fit(module, *loaders, ckpt_path=str(last) if last.is_file() else None)
    if trainer.interrupted:
        raise KeyboardInterrupt


def _spread(config: DictConfig, device: torch.device) -> dict[str, Any]:
    """What a trainer is told of the processes that share its batches."""
    from lightning.pytorch.plugins.environments import LightningEnvironment
    from lightning.pytorch.strategies import DDPStrategy

    count = processes(config)
    if count == 1:
        return {"devices": 1}
    # a parameter that the loss does not reach (a term of weight 0) is no error
    strategy = DDPStrategy(cluster_environment=LightningEnvironment(), find_unused_parameters=True)
    # torch synchronises batch norm on GPUs only
    return {"devices": count, "strategy": strategy, "sync_batchnorm": device.type == "cuda"}


def _loaders(
    recipe: Recipe, train: Records, val: Records, done: int, total: int, share: Share
) -> tuple[Any, Any]:
    from torch.utils.data import DataLoader

    config = recipe.config
    size, workers = int(config.pretrain.batch_size), int(config.compute.workers)
    crop = float(config.pretrain.crop)
    batches = TrainingBatches(train, size, recipe.seed, done, total, crop, share)
    return (
        DataLoader(batches, batch_size=None, num_workers=workers, persistent_workers=workers > 0),
        DataLoader(ValidationBatches(val, size, share=share), batch_size=None),
    )


def _micro_steps_done(last: Path) -> int:
    """Batches that a saved state has behind it; one that a full disk or a power cut tore is removed."""
    if not last.is_file():
        return 0
    try:
        state = torch.load(last, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, UnpicklingError):
        last.unlink(missing_ok=True)  # by another process
        return 0
    return int(state["micro_steps"])


def _loggers(scratch: Path, stage: int, steps: int) -> list[Any]:
    from importlib.util import find_spec

    from lightning.pytorch.loggers import TensorBoardLogger

    from ecgbench.training.log import CsvLog

    loggers: list[Any] = [CsvLog(scratch / "training.csv", stage * steps)]
    if find_spec("tensorboard") is not None:
        version = f"stage{stage}"
        loggers.append(
            TensorBoardLogger(stage_dir("tensorboard"), name=scratch.stem, version=version)
        )
    return loggers


def _averaging(config: DictConfig) -> list[Any]:
    from lightning.pytorch.callbacks import EMAWeightAveraging

    return [EMAWeightAveraging(decay=float(config.pretrain.ema))] if config.pretrain.ema else []


def _module(method: Method, config: DictConfig, seed: int) -> LightningModule:
    """The method as Lightning wants it; made here so that importing this module stays cheap."""
    import lightning.pytorch as pl

    class PretrainModule(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.method = method
            self.micro_steps = 0

        def training_step(self, item: tuple[int, Any], index: int) -> Tensor:
            step, batch = item
            torch.manual_seed((seed + 1) * 1_000_003 + self._number(step))
            losses = self.method.losses(batch)
            if not torch.isfinite(losses["loss"].detach()):
                raise EcgbenchError(
                    f"The loss of {type(method).__name__} became {float(losses['loss'])} at batch {step}.",
                    "Lower pretrain.lr, or set pretrain.clip=1.0 and compute.precision=32.",
                )
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
            """Of a batch's share among all of them: each draws its own masks and dropout."""
            return int(step * self.trainer.world_size + self.global_rank)

        def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
            checkpoint["micro_steps"] = self.micro_steps

        def transfer_batch_to_device(
            self, item: tuple[int, Any], device: torch.device, index: int
        ) -> tuple[int, Any]:
            return item[0], item[1].to(device)

        def configure_optimizers(self) -> dict[str, Any]:
            optimiser = adamw(self.method, config.pretrain)
            schedule = torch.optim.lr_scheduler.LambdaLR(
                optimiser, cosine_with_warmup(config.pretrain)
            )
            return {
                "optimizer": optimiser,
                "lr_scheduler": {"scheduler": schedule, "interval": "step"},
            }

    return PretrainModule()
