"""How long a pre-training will take, by the pre-trainings that this machine has done before."""

from __future__ import annotations

import json
from statistics import median

from ecgbench.base.paths import stage_dir
from ecgbench.config.settings import as_dict
from ecgbench.training.recipe import Recipe


def pretraining_seconds(recipe: Recipe) -> float | None:
    """Expected wall-clock seconds of a pre-training; None where this machine has never timed one.

    The median seconds per step of earlier pre-trainings of the same method with the same model settings
    and batch size, times the steps of the recipe.
    """
    timed = []
    for file in stage_dir("checkpoints").glob(f"{recipe.info.name}-*/manifest.json"):
        manifest = json.loads(file.read_text(encoding="utf-8"))
        made = manifest["ingredients"]
        if (
            manifest["steps"]
            and made["model"] == as_dict(recipe.config)["model"]
            and made["pretrain"]["batch_size"] == int(recipe.config.pretrain.batch_size)
        ):
            timed.append(manifest["seconds"] / manifest["steps"])
    return median(timed) * int(recipe.config.pretrain.steps) if timed else None
