"""Looking at one record: the right one, with its own labels and the scores of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from runs.conftest import request_for  # noqa: F401
from typer.testing import CliRunner

from ecgbench.base.errors import DataError, ResultError
from ecgbench.cli.app import app
from ecgbench.data.opening import open_dataset
from ecgbench.inspection.occlusion import Explanation, explain
from ecgbench.inspection.record import find_record, scores_of
from ecgbench.inspection.subject import Subject
from ecgbench.results.predictions import read_predictions
from ecgbench.results.store import read_results
from ecgbench.runs.run import Request, carry_out, make_plan

CELL = "sim-tiny-super/linear-probe@100%"
pytestmark = pytest.mark.usefixtures("small_matrix")


def test_the_paper_shows_the_record() -> None:
    dataset = open_dataset("sim-tiny")
    one = find_record(f"sim-tiny/{dataset.records.index[7]}")
    paper = one.paper(["more"])
    assert np.array_equal(paper.signals, dataset.store.read([7])[0])
    assert paper.millivolts
    assert "(simulated)" in paper.title
    assert paper.lines[-1] == "more"
    assert f"Report: {dataset.records['report'].iloc[7] or 'none'}" in paper.lines


@pytest.mark.parametrize("name", ["sim-tiny", "sim-tiny/", "sim-tiny/99999"])
def test_a_record_that_is_not_there_is_one_line(name: str) -> None:
    with pytest.raises(DataError):
        find_record(name)


def test_scores_are_those_of_the_run(
    request_for: Callable[..., Request],  # noqa: F811
) -> None:
    request = request_for("random_init", CELL)
    carry_out(make_plan(request))
    ((path, result),) = read_results(request.out)
    predictions = read_predictions(path.parent / result.predictions.file)
    best = int(predictions.scores[:, 0].argmax())
    one = find_record(f"sim-tiny/{predictions.record_ids[best]}")
    (line,) = scores_of(one, request.out, ["random_init"], CELL)
    share = (len(predictions.record_ids) - 1) / len(predictions.record_ids)
    mark = "*" if predictions.classes[0] in one.classes("super") else ""
    assert f"{predictions.classes[0]}{mark} {share:.0%}" in line
    trained = find_record(
        f"sim-tiny/{open_dataset('sim-tiny').records.query('fold == 1').index[0]}"
    )
    with pytest.raises(ResultError, match="no test record"):
        scores_of(trained, request.out, ["random_init"], CELL)
    with pytest.raises(ResultError, match="no figures"):
        scores_of(one, request.out, ["mae"], CELL)


def test_hiding_finds_the_lead_that_a_score_depends_on(
    subject_of: Callable[[str], Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = subject_of("classical")
    one = find_record(f"sim-tiny/{subject.dataset.records.index[3]}")
    method = subject.encoder.method()
    # features that see lead V2 between 2 and 3 seconds, and nothing else
    monkeypatch.setattr(method, "encode_ecg", lambda ecg: ecg[:, 7, 200:300:5].float())
    monkeypatch.setattr(
        subject.encoder,
        "features",
        lambda records: np.asarray(subject.encoder.signals(records), np.float32)[:, 7, 200:300:5],
    )
    found = explain(subject, one)
    assert isinstance(found, Explanation)
    assert found.falls.shape == (12, 20)
    touched = np.argwhere(found.falls != 0)
    assert {tuple(place) for place in touched} <= {(7, 4), (7, 5)}
    assert len(touched)
    with pytest.raises(DataError, match="NRM"):
        explain(subject, one, "NRM")


def test_the_commands_draw_pictures(tmp_path: Path) -> None:
    record = f"sim-tiny/{open_dataset('sim-tiny').records.index[0]}"
    runner = CliRunner()
    seen = runner.invoke(app, ["view", record, "--out", str(tmp_path / "v.png")])
    assert seen.exit_code == 0, seen.output
    why = ["explain", "random_init", record, "--out", str(tmp_path / "e.png"), "--profile", "demo"]
    found = runner.invoke(app, [*why, "compute.threads=1"])
    assert found.exit_code == 0, found.output
    assert (tmp_path / "v.png").stat().st_size > 20_000
    assert (tmp_path / "e.png").stat().st_size > 20_000
    lacking = runner.invoke(app, ["view", record, "--methods", "mae"])
    assert lacking.exit_code != 0
