"""Published encoders through the whole matrix, with small networks and random weights."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from ecgbench.tasks.protocols.zero_shot import prompt_file
from typer.testing import CliRunner

from ecgbench.authoring.submit import examine
from ecgbench.base.errors import ResultError
from ecgbench.cli.app import app
from ecgbench.leaderboard.build import build
from ecgbench.plugins.catalogue import methods
from ecgbench.published.layout import drawn_weights
from ecgbench.results.schema import Result
from ecgbench.runs.run import Request, carry_out, make_plan

sys.path.append(str(Path(__file__).parent.parent / "methods"))
from test_published import PRESETS, published_shapes, tiny
from test_published import build as network

RequestFor = Callable[..., Request]
QUESTIONS = (
    "sim-handful-super/linear-probe@100%",
    "sim-handful-super/zero-shot@en",
    "sim-handful-super/lead-loss@2-leads",
    "sim-handful-super/fine-tune@100%",
)
QUICK = ("finetune.epochs=1", "finetune.min_steps=1", "finetune.batch_size=4")


@pytest.fixture(autouse=True)
def prompts_for_a_handful(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompts of PTB-XL also serve the data set of these tests."""
    read = prompt_file.read_prompts

    def with_one_more(path: Path) -> tuple[prompt_file.PromptFile, str]:
        prompts, address = read(path)
        if "sim" not in prompts.datasets:
            return prompts, address
        return prompts.model_copy(update={"datasets": ("sim-handful",)}), address

    monkeypatch.setattr(prompt_file, "read_prompts", with_one_more)


def run(request: Request) -> list[Result]:
    results: list[Result] = []
    carry_out(make_plan(request), on_result=results.append)
    return results


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_answers_every_kind_of_question(
    request_for: RequestFor, tmp_path: Path, name: str
) -> None:
    overrides = (*(f"{name}:{item}" for item in tiny(name)), *QUICK)
    results = run(request_for(name, ",".join(QUESTIONS), overrides=overrides))
    assert {result.protocol.name for result in results} == {
        "linear-probe",
        "zero-shot",
        "lead-loss",
        "fine-tune",
    }
    failed = {result.key: result.reason for result in results if result.status != "ok"}
    assert not failed
    for result in results:
        assert result.pretraining.random
        assert result.pretraining.sources == {"model.source": "random"}
        assert any(note.startswith("Random weights") for note in result.notes)
        assert "model.source=random" in result.row
        windows = [note for note in result.notes if "windows of" in note]
        assert bool(windows) == (result.config["signal"]["window"] is not None)


def test_random_weights_are_on_no_board(request_for: RequestFor, tmp_path: Path) -> None:
    overrides = tuple(f"ked:{item}" for item in tiny("ked"))
    board = tmp_path / "board"
    run(request_for("ked", QUESTIONS[0], overrides=overrides, out=board / "results"))
    with pytest.raises(ResultError, match="random weights in the place of published ones"):
        build(board)
    examined = examine(board / "results", tmp_path / "other")
    assert any("random weights" in problem for problem in examined.problems)


def test_a_row_says_whether_its_weights_are_verified(
    request_for: RequestFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One command records the features of the file; rows made from that file say so from then on."""
    method = network("merl_published", overrides=tiny("merl_published"))
    file = tmp_path / "weights.pth"
    torch.save(drawn_weights(published_shapes("merl_published", method)), file)
    sizes = tiny("merl_published")[1:]
    monkeypatch.setattr("ecgbench.published.verified.FILE", str(tmp_path / "verified.yaml"))
    overrides = tuple(f"merl_published:{item}" for item in (f"model.source={file}", *sizes))

    def notes() -> str:
        (result,) = run(request_for("merl_published", QUESTIONS[0], overrides=overrides))
        assert result.status == "ok", result.reason
        (tmp_path / "out").rename(tmp_path / f"out{len(list(tmp_path.iterdir()))}")
        return " ".join(result.notes)

    asked = ["check", "merl_published", "--against-weights", f"model.source={file}", *sizes]
    assert "is not checked" in notes()
    first = CliRunner().invoke(app, asked)
    assert first.exit_code == 0, first.output
    assert "tensors used" in first.output
    assert "Verified weights" in notes()
    again = CliRunner().invoke(app, asked)
    assert "are those that are recorded" in again.output

    torch.save(drawn_weights(published_shapes("merl_published", method), seed=1), file)
    other = CliRunner().invoke(app, asked)
    assert other.exit_code == 1
    assert "differ from those that are recorded" in other.output
    assert "is not checked" in notes()


def test_windows_serve_the_harness_own_methods_too(request_for: RequestFor) -> None:
    """Pre-trained on windows, probed on the mean and on the maximum over the windows of a record."""
    asked = ("mae:signal.window=2.5", "mae:pretrain.steps=2")
    sizes = ("mae:model.vit.depth=1", "mae:model.decoder.depth=1")
    rows = {}
    for pool in ("mean", "max"):
        overrides = (*asked, *sizes, f"mae:signal.pool={pool}")
        (result,) = run(request_for("mae", QUESTIONS[0], overrides=overrides))
        assert result.status == "ok", result.reason
        assert f"{pool} over 4 windows of 2.5 s" in " ".join(result.notes)
        rows[result.row] = result.predictions
    assert len(rows) == 2


def test_list_shows_licence_input_and_training_data() -> None:
    shown = CliRunner().invoke(app, ["list", "methods"]).output
    for name in PRESETS:
        facts = methods.get(name).published
        assert facts is not None
        (line,) = [one for one in shown.splitlines() if one.startswith(name) and " Hz" in one]
        assert facts.licence in line
        for data in methods.get(name).pretrained_on:
            assert data in line
