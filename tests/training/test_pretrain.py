"""Pre-training: what is made, that it resumes to the same weights, what is said when it breaks."""

from __future__ import annotations

import csv
import io
import pickle
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ecgbench.base.errors import EcgbenchError
from ecgbench.base.paths import stage_dir
from ecgbench.method import Batch, Method
from ecgbench.protocol import Records
from ecgbench.training import fit as loop
from ecgbench.training import pretrain as making
from ecgbench.training.encode import Encoder
from ecgbench.training.optim import cosine_with_warmup
from ecgbench.training.pretrain import pretrain
from ecgbench.training.recipe import Recipe, find, load

RecipeFor = Callable[..., Recipe]


def test_a_checkpoint_holds_what_was_trained(recipe_for: RecipeFor) -> None:
    recipe = recipe_for("pretrain.lr=0.011")
    assert find(recipe) is None
    checkpoint = pretrain(recipe)
    manifest = checkpoint.manifest
    assert manifest["steps"] == 24
    assert manifest["datasets"] == ["sim-tiny"]
    assert manifest["simulated"] is True
    rows = list(csv.DictReader((checkpoint.path / "training.csv").open()))
    assert {"train/loss", "val/loss"} <= {row["name"] for row in rows}
    method = load(recipe, checkpoint)
    assert not method.training
    assert pretrain(recipe) == checkpoint  # found, not made again


@pytest.mark.slow
def test_two_processes_that_want_one_checkpoint_train_once(
    recipe_for: RecipeFor, tmp_path: Path
) -> None:
    recipe = recipe_for("pretrain.lr=0.0137", "pretrain.steps=200")
    inputs = tmp_path / "recipe.pickle"
    inputs.write_bytes(pickle.dumps(recipe))
    code = (
        "import pickle, sys\n"
        "from ecgbench.training.pretrain import pretrain\n"
        "recipe = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(pretrain(recipe).manifest['seconds'])"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(inputs)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300)[0].splitlines()[-1] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert said[0] == said[1], "the second process made a checkpoint of its own"
    checkpoint = find(recipe)
    assert checkpoint is not None
    logs = list(stage_dir("tensorboard").glob(f"{checkpoint.path.name}/stage0/events.out.*"))
    assert len(logs) == 1
    assert not checkpoint.path.with_name(checkpoint.path.name + ".partial").exists()
    rows = list(csv.DictReader((checkpoint.path / "training.csv").open()))
    places = [(row["name"], row["step"]) for row in rows]
    assert len(set(places)) == len(places)


def test_tensorboard_gets_the_terms_that_the_csv_gets(recipe_for: RecipeFor) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    checkpoint = pretrain(recipe_for("pretrain.lr=0.013"))
    (events,) = stage_dir("tensorboard").glob(f"{checkpoint.path.name}/stage0/events.out.*")
    log = EventAccumulator(str(events)).Reload()
    rows = csv.DictReader((checkpoint.path / "training.csv").open())
    wanted = {(row["name"], int(row["step"])): float(row["value"]) for row in rows}
    found = {
        (name, event.step): event.value
        for name in log.Tags()["scalars"]
        for event in log.Scalars(name)
        if name != "epoch"
    }
    assert {name for name, _ in found} == {"train/loss", "val/loss"}
    assert found == pytest.approx(wanted, rel=1e-5)


def test_an_interrupted_training_goes_on_to_the_same_weights(
    recipe_for: RecipeFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = pretrain(recipe_for("pretrain.lr=0.012"))
    wanted = load_file(straight.path / "weights.safetensors")
    _forget(recipe_for("pretrain.lr=0.012"))

    recipe = recipe_for("pretrain.lr=0.012")
    real = loop.TrainingBatches.positions

    def power_cut(self: object, step: int) -> object:
        if step == 7:  # the state was saved at step 4
            raise KeyboardInterrupt
        return real(self, step)  # type: ignore[arg-type]

    monkeypatch.setattr(loop.TrainingBatches, "positions", power_cut)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        pretrain(recipe)
    assert find(recipe) is None
    seen = []

    def watched(self: object, step: int) -> object:
        seen.append(step)
        return real(self, step)  # type: ignore[arg-type]

    monkeypatch.setattr(loop.TrainingBatches, "positions", watched)
    resumed = load_file(pretrain(recipe).path / "weights.safetensors")
    assert seen
    assert min(seen) >= 4, "it started again from nothing"
    for name, value in wanted.items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=0)


def _forget(recipe: Recipe) -> None:
    """Remove a finished checkpoint."""
    shutil.rmtree(recipe.path)


def test_a_second_stage_goes_on_from_the_first(
    recipe_for: RecipeFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, staged = (
        recipe_for(*one, "pretrain.lr=0.014") for one in ((), ("pretrain.before=[sim-tiny]",))
    )
    assert alone.address != staged.address
    started: dict[str, list[dict[str, torch.Tensor]]] = {"alone": [], "staged": []}
    real = loop._module
    for name, recipe in (("alone", alone), ("staged", staged)):

        def watched(method: torch.nn.Module, *rest: object, name: str = name) -> object:
            started[name].append({k: v.clone() for k, v in method.state_dict().items()})
            return real(method, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(loop, "_module", watched)
        pretrain(recipe)
    first, second = started["staged"]
    done = load_file(find(alone).path / "weights.safetensors")  # type: ignore[union-attr]
    for key in done:
        torch.testing.assert_close(first[key], started["alone"][0][key], rtol=0, atol=0)
        torch.testing.assert_close(second[key], done[key], rtol=0, atol=0)
    (corpus,) = alone.ingredients()["corpora"]
    assert find(alone).manifest["corpus"] == corpus  # type: ignore[union-attr]
    manifest = find(staged).manifest  # type: ignore[union-attr]
    assert manifest["corpus"] not in (None, corpus)
    assert manifest["datasets"] == ["sim-tiny", "sim-tiny"]
    assert manifest["records"] == 2 * find(alone).manifest["records"]  # type: ignore[union-attr]
    rows = csv.DictReader((staged.path / "training.csv").open())
    assert (
        max(int(row["step"]) for row in rows) >= 24
    )  # the log goes on where the first stage ended


def test_a_second_stage_that_is_interrupted_goes_on_to_the_same_weights(
    recipe_for: RecipeFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_for("pretrain.before=[sim-tiny]", "pretrain.lr=0.015")
    wanted = load_file(pretrain(recipe).path / "weights.safetensors")
    _forget(recipe)
    real = loop.TrainingBatches.positions
    asked: list[int] = []

    def power_cut(self: object, step: int) -> object:
        asked.append(step)
        if asked.count(7) == 2:  # step 7 of the second stage
            raise KeyboardInterrupt
        return real(self, step)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(loop.TrainingBatches, "positions", power_cut)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            pretrain(recipe)
    assert find(recipe) is None
    resumed = load_file(pretrain(recipe).path / "weights.safetensors")
    for name, value in wanted.items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=0)


@pytest.mark.parametrize("kept", [0, 0.3, 0.95])
def test_a_torn_state_is_left_and_training_begins_anew(recipe_for: RecipeFor, kept: float) -> None:
    recipe = recipe_for("pretrain.lr=0.016")
    wanted = load_file(pretrain(recipe).path / "weights.safetensors")
    _forget(recipe)
    state = recipe.path.with_name(recipe.path.name + ".partial") / "stage0" / "last.ckpt"
    state.parent.mkdir(parents=True)
    whole = io.BytesIO()
    torch.save({"micro_steps": 4, "state_dict": wanted}, whole)
    state.write_bytes(whole.getvalue()[: int(kept * len(whole.getvalue()))])
    found = load_file(pretrain(recipe).path / "weights.safetensors")
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)
    _forget(recipe)


def test_equal_seeds_give_equal_weights_and_others_do_not(recipe_for: RecipeFor) -> None:
    from dataclasses import replace

    recipe = recipe_for("pretrain.lr=0.013")
    other = replace(recipe, seed=1)
    assert recipe.address != other.address
    first = load_file(pretrain(recipe).path / "weights.safetensors")
    second = load_file(pretrain(other).path / "weights.safetensors")
    assert any(not torch.equal(first[name], second[name]) for name in first)


def test_the_address_is_of_what_decides_the_weights(recipe_for: RecipeFor) -> None:
    plain = recipe_for()
    assert recipe_for("compute.threads=2", "pretrain.save_every=3").address == plain.address
    assert recipe_for("finetune.epochs=3").address == plain.address
    for override in ("pretrain.lr=0.5", "model.width=9", "signal.scaling=none", "pretrain.ema=0.9"):
        assert recipe_for(override).address != plain.address, override


def test_so_is_a_precision_below_float32_that_trained_or_encoded_it(recipe_for: RecipeFor) -> None:
    full, half = (recipe_for(f"compute.precision={name}") for name in ("32", "bf16"))
    assert full.address != half.address
    assert set(half.ingredients()) - set(full.ingredients()) == {"precision"}
    untrained, encoded = (
        recipe_for("pretrain.steps=0", f"compute.precision={name}") for name in ("32", "bf16")
    )
    assert untrained.address == encoded.address
    checkpoint = pretrain(untrained)
    dataset = untrained.datasets[0]
    some = Records(dataset, np.arange(2), dataset.records.index.to_numpy(dtype=str)[:2])
    one, other = (Encoder(recipe, checkpoint).features(some) for recipe in (untrained, encoded))
    assert not np.array_equal(one, other), "features of one precision were taken for the other's"


@pytest.mark.parametrize(
    "override",
    ["pretrain.accumulate=2", "pretrain.ema=0.9", "pretrain.crop=0.8", "pretrain.clip=0"],
)
def test_every_setting_of_the_loop_trains(recipe_for: RecipeFor, override: str) -> None:
    weights = load_file(pretrain(recipe_for(override)).path / "weights.safetensors")
    assert all(torch.isfinite(value).all() for value in weights.values())


def test_a_warning_of_the_method_is_heard_and_the_advice_of_lightning_is_not(
    recipe_for: RecipeFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = making.build

    def outspoken(*arguments: Any) -> Method:
        method = real(*arguments)
        losses = method.losses

        def warn(batch: Batch) -> Any:
            warnings.warn("the author's warning", stacklevel=1)
            return losses(batch)

        monkeypatch.setattr(method, "losses", warn)
        return method

    monkeypatch.setattr(making, "build", outspoken)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        pretrain(recipe_for("pretrain.lr=0.0121"))
    assert {str(warning.message) for warning in heard} == {"the author's warning"}


def test_a_loss_that_is_nan_stops_with_what_to_do(recipe_for: RecipeFor) -> None:
    recipe = recipe_for("pretrain.clip=0", "pretrain.warmup=0")
    fast = recipe.config.pretrain.model_copy(update={"lr": 1e30})  # a user's would be refused
    config = recipe.config.model_copy(update={"pretrain": fast})
    with pytest.raises(EcgbenchError, match="The loss of Tiny became") as caught:
        pretrain(replace(recipe, config=config))
    assert "pretrain.lr" in (caught.value.hint or "")


def test_the_schedule_warms_up_and_falls_along_a_cosine(recipe_for: RecipeFor) -> None:
    config = recipe_for("pretrain.steps=100", "pretrain.min_lr=0.001", "pretrain.warmup=0.1").config
    factor = cosine_with_warmup(config.pretrain)
    values = [factor(step) for step in range(101)]
    assert values[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert max(values) == 1.0
    assert values[55] == pytest.approx(0.1 + 0.9 * 0.5)  # half way down: floor 0.001 / 0.01
    assert values[100] == pytest.approx(0.1)
    assert values[10:] == sorted(values[10:], reverse=True)
