"""Settings of a language model that is made in a moment."""

from __future__ import annotations

from typing import Any

from ecgbench.tasks.protocols.report_generation.settings import SmallLM

SMALL: dict[str, Any] = {
    "source": None,
    "instruction": "",
    "vocabulary": 300,
    "width": 32,
    "depth": 1,
    "heads": 2,
    "dropout": 0.0,
    "positions": 64,
    "shift": 4,
    "longest": 40,
    "seed": 0,
    "training": {
        "epochs": 30,
        "batch_size": 4,
        "lr": 0.01,
        "weight_decay": 0.0,
        "warmup": 0.1,
        "clip": 1.0,
        "patience": 30,
    },
}

SMALL_LM = SmallLM.model_validate(SMALL)
