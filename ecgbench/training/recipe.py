"""The definition of a checkpoint, its location, and the construction of a method from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ecgbench.base.code import code_address
from ecgbench.base.hashing import content_hash
from ecgbench.base.paths import stage_dir
from ecgbench.config.effective import decisive, read_back
from ecgbench.config.sections import Config
from ecgbench.config.settings import as_dict
from ecgbench.data.dataset import Dataset
from ecgbench.method import Method, Setup
from ecgbench.plugins.importing import code_of, load_object
from ecgbench.plugins.specs import MethodInfo
from ecgbench.training.corpus import corpus_fingerprint, signal_spec
from ecgbench.training.device import pick_device, reduced_precision
from ecgbench.training.outside import contents, on_this_machine
from ecgbench.training.windows import Windowed, windows_of


@dataclass(frozen=True)
class Checkpoint:
    """A pre-trained method on disk.

    Attributes:
        path: Its folder.
        address: Hash of its inputs.
        manifest: Its metadata.
    """

    path: Path
    address: str
    manifest: dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """Everything that defines a checkpoint.

    Attributes:
        info: The method.
        config: Its effective configuration.
        datasets: Pre-training data; for a method without training, the data that it would use.
        seed: Random seed of initial weights, order and masks.
        before: Data of an earlier stage with its own schedule of the same length.
    """

    info: MethodInfo
    config: Config
    datasets: tuple[Dataset, ...]
    seed: int
    before: tuple[Dataset, ...] = ()

    @classmethod
    def of(
        cls,
        info: MethodInfo,
        config: Config,
        dataset: Dataset,
        seed: int,
        open_dataset: Callable[[str], Dataset],
    ) -> Recipe:
        """The recipe of a task's method: pre-trained on ``pretrain.data``, or by default on the task's data.

        Raises:
            DataError: A data set of ``pretrain.data`` or ``pretrain.before`` is not on this machine.
        """
        corpus = tuple(open_dataset(name) for name in config.pretrain.data)
        before = tuple(open_dataset(name) for name in config.pretrain.before)
        return cls(info, config, corpus or (dataset,), seed, before)

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process, which makes the class of the configuration itself."""
        return _restored, (self.info, as_dict(self.config), self.datasets, self.seed, self.before)

    @property
    def stages(self) -> list[tuple[Dataset, ...]]:
        """The corpora, in the order of training."""
        return [stage for stage in (self.before, self.datasets) if stage]

    @property
    def seen(self) -> tuple[Dataset, ...]:
        """All training data sets of all stages."""
        return tuple(dataset for stage in self.stages for dataset in stage)

    @property
    def declared(self) -> tuple[str, ...]:
        """The data sets that weights from outside have seen, by the method's card and its settings."""
        said = as_dict(self.config)["model"].get("trained_on", ())
        return (*self.info.pretrained_on, *said)

    @property
    def trains(self) -> bool:
        """Whether the method is trained and not only initialised."""
        return int(self.config.pretrain.steps) > 0

    @property
    def path(self) -> Path:
        """Path of the checkpoint."""
        return stage_dir("checkpoints") / f"{self.info.name}-{self.address[:16]}"

    @property
    def address(self) -> str:
        """Hash of the ingredients, available without running anything."""
        return content_hash(self.ingredients())

    def ingredients(self) -> dict[str, Any]:
        """The ingredients of the checkpoint."""
        plain = as_dict(self.config)
        read = contents(plain["model"])
        needs_corpus = self.trains or self.info.reports != "none"
        return {
            "method": self.info.name,
            "version": self.info.version,
            "code": code_of(self.info.folder, self.info.model, self.info.settings),
            "loop": code_address("ecgbench.training.pretrain"),
            **decisive(self.config, ["signal"]),
            "model": plain["model"],
            "pretrain": _without_data(decisive(self.config, ["pretrain"])["pretrain"]),
            "corpora": [
                corpus_fingerprint(stage, self.config, self.info.reports, self.seed)
                for stage in self.stages
            ]
            if needs_corpus
            else None,
            "seed": self.seed,
            **(reduced_precision(self.config) if self.trains else {}),
            **({"sources": read} if read else {}),
        }


def _restored(info: MethodInfo, values: dict[str, Any], *parts: Any) -> Recipe:
    return Recipe(info, read_back(info, values), *parts)


def _without_data(pretrain: dict[str, Any]) -> dict[str, Any]:
    """Without the names of the data, whose content stands under ``corpora``."""
    return {key: value for key, value in pretrain.items() if key not in ("data", "before")}


def find(recipe: Recipe) -> Checkpoint | None:
    """The finished checkpoint of a recipe, if it exists."""
    path = recipe.path
    manifest = path / "manifest.json"
    if not manifest.is_file():
        return None
    return Checkpoint(path, recipe.address, json.loads(manifest.read_text(encoding="utf-8")))


def build(recipe: Recipe, reports: Sequence[str], assets: Path | None = None) -> Method:
    """Create a method with its initial weights.

    Args:
        recipe: What decides it.
        reports: Distinct training reports, for a tokenizer.
        assets: Folder of a checkpoint's assets, for a method that is loaded.

    Raises:
        PluginError: Its code cannot be imported.
        EcgbenchError: Its external weights cannot be found or read.
    """
    spec, windows = signal_spec(recipe.config), windows_of(recipe.config)
    setup = Setup(
        leads=tuple(spec.leads),
        rate=float(spec.rate),
        samples=windows.length if windows else round(spec.rate * spec.seconds),
        reports=tuple(reports),
        assets=assets,
    )
    kind: type[Method] = load_object(recipe.info.model, recipe.info.folder)
    if assets is not None:  # external weights are in the checkpoint
        return kind(recipe.config.model, setup)
    with on_this_machine(recipe.config.model) as model:
        return kind(model, setup)


def load(recipe: Recipe, checkpoint: Checkpoint) -> Method:
    """Load a pre-trained method for whole records, in eval mode, on the device of the run."""
    from safetensors.torch import load_file

    torch.manual_seed(recipe.seed)
    method = build(recipe, (), checkpoint.path / "assets")
    method.load_state_dict(load_file(checkpoint.path / "weights.safetensors"))
    windows = windows_of(recipe.config)
    whole = Windowed(method, windows) if windows else method
    return whole.eval().to(pick_device(recipe.config))
