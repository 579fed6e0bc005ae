"""Pre-training: corpus -> checkpoint, with Lightning and the same loop for every method.

A checkpoint is a folder whose address is a hash of its inputs::

    weights.safetensors   every parameter and buffer
    assets/               state that is not a tensor (a tokenizer)
    training.csv          the logged losses
    manifest.json         ingredients of the address, sizes, costs

With several ``compute.devices`` the loop runs in one process per device, which share each batch.

With ``pretrain.before`` there are two stages, each with its own schedule: first on those data sets, then
on the others, starting from the weights of the first stage. Tokenizers use the reports of both.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ecgbench.base.hashing import content_hash
from ecgbench.base.paths import atomic_dir, one_writer
from ecgbench.data.signals import adapt
from ecgbench.method import Method, count_parameters
from ecgbench.training.batches import TrainingRecords, tokenize_all
from ecgbench.training.corpus import Corpus, load_corpus, signal_spec
from ecgbench.training.device import describe, pick_device, processes, use_threads
from ecgbench.training.fit import fit
from ecgbench.training.processes import together
from ecgbench.training.recipe import Checkpoint, Recipe, build, find


def pretrain(recipe: Recipe) -> Checkpoint:
    """Return the checkpoint of a recipe; train it if necessary.

    Raises:
        EcgbenchError: The loss became NaN, or the method or the corpus cannot be used.
        ConfigError: The batch size is not divisible by the number of processes.
    """
    done = find(recipe)
    if done is not None:
        return done
    with one_writer(recipe.path):
        return find(recipe) or _train(recipe)


def _train(recipe: Recipe) -> Checkpoint:
    count = processes(recipe.config) if recipe.trains else 1
    if count == 1:
        _make(recipe)
    else:
        for dataset in recipe.seen:  # once instead of in each process
            adapt(dataset, signal_spec(recipe.config))
        together(_make, recipe, count)
    finished = find(recipe)
    assert finished is not None
    return finished


def _make(recipe: Recipe, rank: int = 0) -> None:
    """Train in this process, one of ``compute.devices``; the first one writes the checkpoint."""
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
        train, val = TrainingRecords(corpus.train, texts), TrainingRecords(corpus.val, texts)
        fit(recipe, method, train, val, scratch, number)
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
    """Fingerprint of the corpus, or of the corpora of all stages in order."""
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
