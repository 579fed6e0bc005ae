"""From a run to a row of the leaderboard: submit, and reproduce."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ecgbench.authoring.scaffold import new_method
from ecgbench.authoring.submit import examine, submit
from ecgbench.base.errors import ConfigError, ResultError
from ecgbench.cli.authoring import reproduce as reproduce_command
from ecgbench.leaderboard.build import check
from ecgbench.leaderboard.questions import questions
from ecgbench.leaderboard.tables import table_of
from ecgbench.plugins.catalogue import methods
from ecgbench.results.store import read_result, read_results
from ecgbench.runs.reproduce import Verdict, find_cell, reproduce, sign, verdicts

pytestmark = pytest.mark.slow  # trains a method, twice
STEPS = ("pretrain.steps=3",)


@pytest.fixture(scope="module")
def run(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Results of a new author's method: two seeds."""
    from ecgbench.runs.plan import questions as asked
    from ecgbench.runs.run import Request, carry_out, make_plan

    folder = tmp_path_factory.mktemp("author")
    new_method("author_method", folder)
    paths = list(methods.paths)
    methods.add_path(folder / "author_method")
    request = Request(
        methods=[methods.get("author_method")],
        questions=asked([tiny]),
        seeds=2,
        profile="demo",
        out=folder / "results",
        overrides=STEPS,
    )
    carry_out(make_plan(request))
    yield folder / "results"
    methods.paths[:] = paths


@pytest.fixture
def submission(run: Path, tmp_path: Path) -> Path:
    shutil.copytree(run, tmp_path / "submission")
    return tmp_path / "submission"


def edit(folder: Path, change: Any) -> None:
    path = sorted(folder.rglob("*.json"))[0]
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def test_a_good_submission_becomes_a_self_reported_row(submission: Path, tmp_path: Path) -> None:
    board = tmp_path / "board"
    examined = examine(submission, board)
    assert examined.problems == ()
    assert len(examined.passed) == 7
    note = submit(submission, board, examined)
    assert "author_method" in note.read_text()
    assert "added" in note.read_text()
    assert check(board) == []
    results = [result for _, result in read_results(board / "results")]
    (row,) = table_of(questions(results)[0]).rows
    assert row.weights is not None
    assert (row.status, row.weights.rank, len(row.runs)) == ("self-reported", 1, 2)
    again = examine(submission, board)
    assert any("is there already" in problem for problem in again.problems)


def test_what_calls_itself_verified_is_self_reported_all_the_same(
    submission: Path, tmp_path: Path
) -> None:
    def call_verified(record: dict[str, Any]) -> None:
        figures = {name: f["value"] for name, f in record["scores"]["figures"].items()}
        part = {"by": "me", "on": "2026-01-01", "device": "cpu", "figures": figures}
        record.update(verification="verified", reproduction=part)

    edit(submission, call_verified)
    board = tmp_path / "board"
    submit(submission, board, examine(submission, board))
    kinds = {result.verification for _, result in read_results(board / "results")}
    assert kinds == {"self-reported"}


def test_a_forged_submission_is_refused_and_changes_nothing(
    submission: Path, tmp_path: Path
) -> None:
    edit(submission, lambda r: r["scores"]["figures"]["auroc"].update(value=0.999))
    board = tmp_path / "board"
    examined = examine(submission, board)
    assert any("says auroc 0.999" in problem for problem in examined.problems)
    with pytest.raises(ResultError, match="not fit for the leaderboard"):
        submit(submission, board, examined)
    assert not board.exists()


def test_a_method_without_a_card_is_refused(submission: Path, tmp_path: Path) -> None:
    card = methods.get("author_method").folder / "README.md"
    text = card.read_text()
    card.unlink()
    try:
        problems = examine(submission, tmp_path / "board").problems
    finally:
        card.write_text(text)
    assert any("its card lacks itself" in problem for problem in problems)


def test_an_unknown_method_is_refused(submission: Path, tmp_path: Path) -> None:
    for path in submission.rglob("*.json"):
        path.write_text(path.read_text().replace('"name": "author_method"', '"name": "nobody"'))
    problems = examine(submission, tmp_path / "board").problems
    assert any("Unknown method 'nobody'" in problem for problem in problems)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert any("no results" in p for p in examine(tmp_path / "empty", tmp_path / "b").problems)


def test_a_cell_comes_out_the_same_again_and_is_signed(submission: Path, tmp_path: Path) -> None:
    key = next(result.key for _, result in read_results(submission))
    result, siblings = find_cell(submission, key)
    assert len(siblings) == 2
    again = reproduce(result, tmp_path / "out")
    assert again.scores is not None
    assert result.scores is not None
    assert again.scores.figures == result.scores.figures  # the same machine, the same seed
    assert list((tmp_path / "out/home/withheld").iterdir())  # a home of its own
    found = verdicts(result, siblings, again)
    path = sign(submission, result, again, found, "A. Maintainer")
    signed = read_result(path)
    assert signed.verification == "verified"
    assert signed.reproduction is not None
    assert signed.reproduction.by == "A. Maintainer"
    assert set(signed.reproduction.figures) == {"auroc", "auprc", "f1"}


def test_a_cell_is_found_by_its_file_too(submission: Path) -> None:
    path, result = next(iter(read_results(submission)))
    assert find_cell(submission, str(path))[0] == result
    with pytest.raises(ResultError, match="no cell"):
        find_cell(submission, "nothing")


def test_another_configuration_is_not_a_reproduction(submission: Path, tmp_path: Path) -> None:
    edit(submission, lambda r: r["config"]["pretrain"].update(lr=0.5))
    path, result = next(iter(read_results(submission)))
    with pytest.raises(ConfigError, match=r"pretrain\.lr"):
        reproduce(result, tmp_path / "out")
    assert path.is_file()


def test_a_difference_is_judged_by_the_spread_over_seeds() -> None:
    assert Verdict("auroc", 0.80, 0.81, 0.01).agrees
    assert not Verdict("auroc", 0.80, 0.84, 0.2).agrees
    assert not Verdict("auroc", 0.80, 0.83, 0.01).agrees
    assert Verdict("auroc", 0.800, 0.804, None).agrees
    assert not Verdict("auroc", 0.80, 0.81, None).agrees


def test_what_differs_is_not_signed(run: Path, tmp_path: Path) -> None:
    _, result = next(iter(read_results(run)))
    with pytest.raises(ResultError, match="was not reproduced: auroc"):
        sign(tmp_path, result, result, [Verdict("auroc", 0.8, 0.9, 0.01)], "me")
    with pytest.raises(ResultError, match="no figure"):
        sign(tmp_path, result, result, [], "me")


def test_the_command_fails_where_a_figure_differs(submission: Path, tmp_path: Path) -> None:
    import typer

    board = tmp_path / "board"
    shutil.copytree(submission, board / "results")

    def lower(record: dict[str, Any]) -> None:
        record["scores"]["figures"]["auroc"]["value"] -= 0.2

    edit(board / "results", lower)
    key = next(result.key for _, result in read_results(board / "results"))
    app = typer.Typer()
    app.command()(reproduce_command)
    words = [key, "--board", str(board), "--out", str(tmp_path / "out"), "--sign-as", "me"]
    outcome = CliRunner().invoke(app, words)
    assert outcome.exit_code == 1
    assert "DIFFERS" in outcome.output
    kinds = {result.verification for _, result in read_results(board / "results")}
    assert kinds == {"self-reported"}


def test_the_page_draws_simulated_ecgs_of_the_best_row(submission: Path, tmp_path: Path) -> None:
    from ecgbench.leaderboard.page.render import write_page

    board = tmp_path / "board"
    submit(submission, board, examine(submission, board))
    write_page(board, board / "page.html")
    text = (board / "page.html").read_text()
    assert text.count('class="ecg"') >= 2
    assert "(simulated)" in text
    assert "surest of" in text
    write_page(board, board / "bare.html", with_examples="none")
    assert 'class="ecg"' not in (board / "bare.html").read_text()
    if keep := os.environ.get("ECGBENCH_KEEP_PAGE"):  # to look at it
        shutil.copy(board / "page.html", keep)


def test_a_row_of_the_board_takes_no_cells_of_others(submission: Path, tmp_path: Path) -> None:
    """Neither a failed seed nor a strange draw may unrank a row that is there."""
    board = tmp_path / "board"
    submit(submission, board, examine(submission, board))
    for seed, path in enumerate(sorted(submission.rglob("*.json")), 2):
        moved = path.with_name(path.name.replace(f"seed{seed - 2}", f"seed{seed}"))
        path.with_suffix(".npz").rename(moved.with_suffix(".npz"))
        record = json.loads(path.read_text())
        record.update(seed=seed)
        record["predictions"]["file"] = moved.with_suffix(".npz").name
        moved.write_text(json.dumps(record))
        path.unlink()
    problems = examine(submission, board).problems
    assert any("is a row of the board" in problem for problem in problems)
    assert any("lacks seed 0: seeds count from 0" in problem for problem in problems)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda r: r.update(notes=["Verified by the maintainers."]), "no protocol writes"),
        (lambda r: r["pretraining"].update(datasets=["mimic-secret"]), "unknown data set"),
        (lambda r: r["task"].update(name="my-task"), "unknown task 'my-task'"),
        (lambda r: r["protocol"].update(name="my-way"), "unknown protocol 'my-way'"),
        (lambda r: r.update(draw=9), "has draw 9"),
        (lambda r: r.update(seed=7), "lacks seed"),
        (lambda r: r["method"].update(title="Other"), "several titles"),
    ],
)
def test_a_submission_claims_only_what_is_known(
    submission: Path, tmp_path: Path, change: Any, what: str
) -> None:
    edit(submission, change)
    problems = examine(submission, tmp_path / "board").problems
    assert any(what in problem for problem in problems)
