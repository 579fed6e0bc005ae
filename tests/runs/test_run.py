"""A small matrix, from nothing to results: run, resume, fail, refuse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgbench.base.errors import ConfigError, DataError
from ecgbench.cli.app import app
from ecgbench.data.opening import open_dataset
from ecgbench.probe.grid import GRID
from ecgbench.results.ledger import note_test_evaluation
from ecgbench.results.predictions import ScorePredictions, read_predictions
from ecgbench.results.store import path_of, read_result
from ecgbench.runs.run import Request, carry_out, make_plan

RequestFor = Callable[..., Request]


def test_a_run_fills_every_cell_and_a_second_one_has_nothing_to_do(
    request_for: RequestFor,
) -> None:
    request = request_for()
    plan = make_plan(request)
    assert (plan.cells, plan.missing) == (11, 11)
    carry_out(plan)
    results = plan.results()
    assert [result.status for result in results] == ["ok"] * 11
    assert make_plan(request).missing == 0

    full = next(result for result in results if result.protocol.variant == "100%")
    assert full.task.simulated
    assert full.row == "tiny@sim-tiny"
    assert full.data is not None
    assert full.pretraining.records >= full.data.n_train > 50  # some carry no label of the set
    assert full.test_evaluations == 1
    assert full.config["pretrain"]["steps"] == 24
    assert full.config["profile"] == "demo"
    assert full.choices["C"] in GRID.Cs


def test_what_is_written_is_what_was_scored(request_for: RequestFor) -> None:
    request = request_for(tasks="sim-tiny-super/linear-probe@100%")
    plan = make_plan(request)
    carry_out(plan)
    (result,) = plan.results()
    path = path_of(request.out, result)
    predictions = read_predictions(path.with_suffix(".npz"))
    assert isinstance(predictions, ScorePredictions)
    test = open_dataset("sim-tiny").labels("super", "test")
    assert predictions.record_ids.tolist() == test.record_ids.tolist()

    from sklearn.metrics import roc_auc_score

    assert result.scores is not None
    wanted = np.mean(
        [
            roc_auc_score(test.values[:, k], predictions.scores[:, k])
            for k in range(len(test.classes))
            if 0 < test.values[:, k].sum() < len(test.values)
        ]
    )
    assert result.scores.figures["auroc"].value == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(
    "override", ["tiny:model.width=7", "pretrain.lr=0.02", "signal.bandpass=null"]
)
def test_another_configuration_is_run_and_named_as_such(
    request_for: RequestFor, override: str
) -> None:
    question = "sim-tiny-super/linear-probe@100%"
    plain = request_for(tasks=question)
    carry_out(make_plan(plain))
    other = make_plan(request_for(tasks=question, overrides=(override,)))
    assert other.missing == 1
    carry_out(other)
    (result,) = other.results()
    assert result.row == f"tiny[{override.removeprefix('tiny:')}]@sim-tiny"
    assert make_plan(plain).missing == 0


def test_the_recorded_command_runs_the_cell_again(request_for: RequestFor, tmp_path: Path) -> None:
    """Whatever the command was that ran it: here with patterns, another method and its settings."""
    request = request_for(
        "leaky,tiny",
        "sim-tiny-super/linear-probe@1?%,sim-tiny-super/zero-shot",
        overrides=("tiny:model.width=7", "pretrain.lr=0.02"),
    )
    plan = make_plan(request)
    carry_out(plan)
    for result in (r for r in plan.results() if r.method.name == "tiny" and r.draw == 0):
        out = tmp_path / "again" / result.protocol.name
        done = CliRunner().invoke(app, [*result.provenance.command, f"--out={out}"])
        assert done.exit_code == 0, done.output
        again = read_result(path_of(out, result))
        assert (again.key, again.method, again.scores) == (result.key, result.method, result.scores)
        assert again.provenance.command == result.provenance.command


def test_where_it_runs_is_no_part_of_what_it_is(request_for: RequestFor) -> None:
    question = "sim-tiny-super/linear-probe@100%"
    carry_out(make_plan(request_for(tasks=question)))
    elsewhere = request_for(tasks=question, overrides=("compute.encode_batch=7",))
    assert make_plan(elsewhere).missing == 0


def test_a_changed_result_or_a_lost_one_is_run_again(request_for: RequestFor) -> None:
    request = request_for()
    plan = make_plan(request)
    carry_out(plan)
    path = path_of(request.out, plan.results()[0])
    record = json.loads(path.read_text())
    record["code"]["predictions"] = "0" * 64
    path.write_text(json.dumps(record))
    assert make_plan(request).missing == 1
    path.write_text("{torn")
    assert make_plan(request).missing == 1
    path.unlink()
    assert make_plan(request).missing == 1


def test_a_broken_method_fails_its_own_cells_only(request_for: RequestFor) -> None:
    plan = make_plan(request_for("leaky,tiny", "sim-tiny-super/linear-probe@100%"))
    carry_out(plan)
    leaky, tiny = sorted(plan.results(), key=lambda result: result.method.name)
    assert tiny.status == "ok"
    assert leaky.status == "failed"
    assert "changed its own weights or statistics while frozen" in str(leaky.reason)
    assert str(leaky.reason).endswith("any parameter or buffer."), "its hint is kept"


def test_what_a_method_cannot_do_is_a_row_with_its_reason(request_for: RequestFor) -> None:
    request = request_for("tiny", "sim-tiny-super/linear-probe@100%")
    (asked,) = request.questions
    spec = asked.protocol.model_copy(update={"requires": ("ecg", "text")})
    plan = make_plan(replace(request, questions=[replace(asked, protocol=spec)]))
    carry_out(plan)
    assert {result.status for result in plan.results()} == {"not-applicable"}
    assert all("does not encode text" in str(result.reason) for result in plan.results())


def test_an_interrupted_run_goes_on(
    request_for: RequestFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_for()
    plan = make_plan(request)
    seen = []

    def stop(result: object) -> None:
        seen.append(result)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, on_result=stop)
    hidden = [p.name for p in request.out.rglob("*") if p.name.startswith(".")]
    assert hidden == [".ledger.csv.lock"]
    again = make_plan(request)
    assert again.missing == 8
    carry_out(again)
    assert make_plan(request).missing == 0


def test_absent_data_names_the_two_commands(request_for: RequestFor) -> None:
    with pytest.raises(DataError, match="no prepared data of ptbxl") as caught:
        make_plan(request_for("tiny", "ptbxl-sub"))
    assert "ecgbench data fetch ptbxl" in str(caught.value.hint)
    assert "ecgbench data prepare ptbxl --source" in str(caught.value.hint)


def test_absent_data_leaves_the_rest(request_for: RequestFor) -> None:
    plan = make_plan(request_for("tiny", "ptbxl-sub,sim-tiny-super"))
    assert set(plan.absent) == {"ptbxl"}
    assert plan.missing > 0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.widht=3", "Unknown key 'model.widht'"),
        ("signal.bandpass=[1,60]", r"signal.bandpass cannot be \[1, 60\]: at a rate of 50 Hz"),
        (
            "signal.scaling=loud",
            "signal.scaling cannot be 'loud': it takes 'none', 'zscore-record'",
        ),
    ],
)
def test_a_wrong_key_or_value_stops_before_anything_runs(
    request_for: RequestFor, override: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_plan(request_for(overrides=(override,)))


def test_the_ledger_counts_different_predictions_of_a_cell(tmp_path: Path) -> None:
    assert note_test_evaluation(tmp_path, "a", "1" * 64) == 1
    assert note_test_evaluation(tmp_path, "a", "1" * 64) == 1
    assert note_test_evaluation(tmp_path, "b", "2" * 64) == 1
    assert note_test_evaluation(tmp_path, "a", "3" * 64) == 2


def test_looking_again_until_it_is_good_shows(request_for: RequestFor) -> None:
    request = request_for(tasks="sim-tiny-super/linear-probe@100%")
    carry_out(make_plan(request))
    for path in request.out.rglob("*.json"):
        path.unlink()
    (request.out / "ledger.csv").write_text(
        (request.out / "ledger.csv").read_text().replace("\n", "0\n")
    )  # as if another model had been scored before
    plan = make_plan(request)
    carry_out(plan)
    assert plan.results()[0].test_evaluations == 2


def test_results_can_be_moved(request_for: RequestFor, tmp_path: Path) -> None:
    request = request_for(tasks="sim-tiny-super/linear-probe@100%")
    plan = make_plan(request)
    carry_out(plan)
    moved = shutil.copytree(request.out, tmp_path / "elsewhere")
    (path,) = Path(moved).rglob("*.json")
    assert read_result(path) == plan.results()[0]
    assert str(tmp_path) not in path.read_text(), "a result names a folder of this machine"
