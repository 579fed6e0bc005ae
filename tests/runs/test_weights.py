"""Weights from outside: a result says which they were, and other ones at the same path make another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ecgbench.base.errors import ConfigError, ResultError
from ecgbench.base.hashing import file_sha256
from ecgbench.cli.run_report import show_plan
from ecgbench.nn.resnet import ResNet1d
from ecgbench.results.schema import Result
from ecgbench.runs.reproduce import reproduce
from ecgbench.runs.run import Request, carry_out, make_plan
from ecgbench.training.recipe import Recipe, find

RequestFor = Callable[..., Request]
ENCODER = ("checkpoint:model.architecture=resnet18", "checkpoint:model.resnet.widths=[4,4,4,4]")
TASK = "sim-tiny-super/linear-probe@100%"


def write_weights(file: Path, seed: int) -> dict[str, str]:
    """Weights of a small ResNet; gives what a record should say of them."""
    torch.manual_seed(seed)
    state = ResNet1d(widths=[4, 4, 4, 4]).state_dict()
    save_file({f"net.{name}": value for name, value in state.items()}, file)
    return {f"model.source/{file.name}": file_sha256(file)}


def run(request: Request) -> tuple[Recipe, list[Result]]:
    plan = make_plan(request)
    results: list[Result] = []
    carry_out(plan, on_result=results.append)
    return plan.planned[0].session.recipe, results


def test_replaced_weights_are_other_weights(request_for: RequestFor, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    request = request_for(
        "checkpoint", TASK, overrides=(*ENCODER, f"checkpoint:model.source={file}")
    )
    said = write_weights(file, seed=0)
    recipe, (first,) = run(request)
    assert first.status == "ok", first.reason
    assert first.pretraining.sources == said
    made = find(recipe)
    assert made is not None
    assert made.manifest["ingredients"]["sources"] == said
    assert make_plan(request).missing == 0

    said = write_weights(file, seed=1)
    assert recipe.address != made.address
    _, (second,) = run(request)
    assert second.pretraining.sources == said
    assert first.predictions is not None
    assert second.predictions is not None
    assert second.predictions.sha256 != first.predictions.sha256
    with pytest.raises(ResultError, match="read other weights"):
        reproduce(first, tmp_path / "again")

    file.unlink()
    assert make_plan(request).missing == 0, "what was made from weights that are gone stands"
    with pytest.raises(ResultError, match=r"did not run: .*There is no file"):
        reproduce(second, tmp_path / "gone")


def test_a_recipe_that_reads_nothing_has_no_new_ingredient(request_for: RequestFor) -> None:
    recipe, (result,) = run(request_for(tasks=TASK))
    assert "sources" not in recipe.ingredients()
    assert result.pretraining.sources == {}


def test_weights_that_are_not_there_fail_their_own_cells(
    request_for: RequestFor, tmp_path: Path
) -> None:
    asked = (*ENCODER, f"checkpoint:model.source={tmp_path / 'gone.pth'}")
    request = request_for("checkpoint,tiny", TASK, overrides=asked)
    plan = make_plan(request)
    show_plan(request, plan, with_costs=True)
    results: list[Result] = []
    carry_out(plan, on_result=results.append)
    reasons = {result.method.name: (result.status, result.reason or "") for result in results}
    assert reasons["tiny"] == ("ok", "")
    status, reason = reasons["checkpoint"]
    assert status == "failed"
    assert "no file or directory" in reason
    assert "gone.pth" in reason


def test_a_plan_says_whose_weights_cannot_be_read(
    request_for: RequestFor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = f"clip:model.text.source={tmp_path / 'gone'}"
    request = request_for("clip", TASK, overrides=(asked,))
    show_plan(request, make_plan(request), with_costs=True)
    assert "cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "declared", "flagged"),
    [
        (None, ("unknown",), "may have seen the test records: trained on unknown"),
        ("[sim-tiny]", ("sim-tiny",), "have seen sim-tiny"),
        ("[cinc2021,mimic-iv-ecg]", ("cinc2021", "mimic-iv-ecg"), None),
        ("[]", (), None),
    ],
)
def test_a_record_says_what_the_weights_were_trained_on(
    request_for: RequestFor,
    tmp_path: Path,
    said: str | None,
    declared: tuple[str, ...],
    flagged: str | None,
) -> None:
    file = tmp_path / "weights.safetensors"
    write_weights(file, seed=0)
    asked = () if said is None else (f"checkpoint:model.trained_on={said}",)
    request = request_for(
        "checkpoint", TASK, overrides=(*ENCODER, f"checkpoint:model.source={file}", *asked)
    )
    (planned,) = make_plan(request).planned
    ((_, wanted),) = planned.missing
    record = wanted.result("failed", "not run")
    assert record.pretraining.declared == record.pretraining.datasets == declared
    if flagged is None:
        assert record.pretraining.contaminated is None
    else:
        assert flagged in str(record.pretraining.contaminated)


def test_weights_trained_on_what_no_list_has_are_refused(
    request_for: RequestFor, tmp_path: Path
) -> None:
    file = tmp_path / "weights.safetensors"
    write_weights(file, seed=0)
    asked = (f"checkpoint:model.source={file}", "checkpoint:model.trained_on=[cinc20021]")
    with pytest.raises(ConfigError, match="No list of data sets has 'cinc20021'"):
        make_plan(request_for("checkpoint", TASK, overrides=(*ENCODER, *asked)))
