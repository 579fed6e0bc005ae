"""The expected time of a pre-training comes from like pre-trainings on this machine, and from no others."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ecgbench.base.paths import stage_dir
from ecgbench.config.sections import Config
from ecgbench.config.settings import as_dict
from ecgbench.runs.estimate import pretraining_seconds


def recipe(steps: int = 300) -> Any:
    config = Config()
    pretrain = config.pretrain.model_copy(update={"steps": steps, "batch_size": 16})
    config = config.model_copy(update={"pretrain": pretrain})
    return SimpleNamespace(info=SimpleNamespace(name="mine"), config=config)


def done(name: str, seconds: float, steps: int = 100, **made: Any) -> None:
    ingredients = {
        "model": as_dict(recipe().config)["model"],
        "pretrain": {"batch_size": 16},
        **made,
    }
    folder = stage_dir("checkpoints") / name
    folder.mkdir(parents=True)
    manifest = {"steps": steps, "seconds": seconds, "ingredients": ingredients}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_nothing_is_expected_before_a_first_pretraining(ecgbench_home: Path) -> None:
    assert pretraining_seconds(recipe()) is None


def test_the_median_time_of_a_step_counts(ecgbench_home: Path) -> None:
    for number, seconds in enumerate((10.0, 20.0, 90.0)):
        done(f"mine-{number}", seconds)
    assert pretraining_seconds(recipe(steps=300)) == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("other-1", {}),
        ("mine-1", {"model": {"width": 1}}),
        ("mine-1", {"pretrain": {"batch_size": 8}}),
    ],
)
def test_another_method_model_or_batch_size_does_not_count(
    ecgbench_home: Path, name: str, made: dict[str, Any]
) -> None:
    done(name, 10.0, **made)
    assert pretraining_seconds(recipe()) is None


def test_a_checkpoint_without_training_does_not_count(ecgbench_home: Path) -> None:
    done("mine-1", 0.0, steps=0)
    assert pretraining_seconds(recipe()) is None
