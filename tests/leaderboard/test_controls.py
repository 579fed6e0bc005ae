from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from ecgbench.leaderboard.build import build
from ecgbench.leaderboard.controls import control_notes, holds_chance
from ecgbench.leaderboard.formats import to_markdown
from ecgbench.leaderboard.questions import questions
from ecgbench.leaderboard.sheets import brief_sheet, full_sheet, short_sheet
from ecgbench.leaderboard.show import tables_of
from ecgbench.leaderboard.summaries import control_runs
from ecgbench.leaderboard.tables import Table, table_of
from ecgbench.results.store import read_results
from ecgbench.stats.components import with_training
from ecgbench.stats.intervals import Error, limits, p_of_value

from .made_up import put, split

CONTROL = {"protocol.name": "shuffled-labels", "protocol.chance": 0.5}
SKILLS = [("honest", 0.0), ("leaky", 0.6)]


def fill(folder: Path, skills: list[tuple[str, float]], draws: int = 5) -> Path:
    for number, (name, skill) in enumerate(skills):
        for draw in range(draws):
            changes = {"method.name": name, "method.title": name.title(), "draw": draw}
            put(folder / "results", split(), skill, 50 * number, **CONTROL, **changes)
    return folder


def table(folder: Path) -> Table:
    (question,) = questions(result for _, result in read_results(folder / "results"))
    return table_of(question)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("control"), SKILLS)


def test_a_control_ranks_nobody_and_says_who_is_off_chance(folder: Path) -> None:
    made = table(folder)
    assert [row.procedure or row.weights for row in made.rows] == [None, None]
    verdict = {row.first.method.name: holds_chance(made, row) for row in made.rows}
    assert verdict == {"honest": True, "leaky": False}
    said = " ".join(control_notes(made))
    assert "nobody is ranked" in said
    assert "Interval without 0.5: leaky@sim." in said
    assert "correction over the 2 rows: leaky@sim; look for a leak." in said
    for sheet in (short_sheet(made), brief_sheet(made)):
        assert not {"Rank", "Letters", "Rank of weights"} & set(sheet.columns)
        verdicts = [row[sheet.columns.index("Holds 0.5")] for row in sheet.rows]
        assert verdicts == ["yes", "NO"]
        assert "look for a leak" in to_markdown(sheet)


def test_rows_of_a_control_stand_by_name_not_by_figure(tmp_path: Path) -> None:
    made = table(fill(tmp_path, [("b_low", -1.0), ("a_high", 1.0), ("c_middle", 0.0)], draws=2))
    assert [row.first.method.name for row in made.rows] == ["a_high", "b_low", "c_middle"]


def test_the_interval_of_a_control_is_over_draws_too(folder: Path) -> None:
    made = table(folder)
    row = next(row for row in made.rows if row.first.method.name == "honest")
    values = [
        run.scores.figures["auroc"].value
        for run in row.good
        if run.scores and run.scores.figures["auroc"].value is not None
    ]
    low, high = row.summaries["auroc"].span
    plain = ttest_1samp(values, 0.5).confidence_interval()
    # Draws of noise share no luck, or little: the t interval over draws, or a little more.
    assert (high - low) > 0.97 * (plain.high - plain.low)
    assert low == pytest.approx(plain.low, abs=0.03)


def test_seeds_are_averaged_before_draws_are_compared(tmp_path: Path) -> None:
    """Two seeds that say the same do not make the draws look like twice as many."""
    for draw in range(3):
        for seed in range(2):
            changes = {"draw": draw, "seed": seed}
            put(tmp_path / "results", split(), 0.0, -1000 * seed, **CONTROL, **changes)
    (row,) = table(tmp_path).rows
    runs = row.summaries["auroc"].runs
    assert runs is not None
    draws = control_runs(runs, row.good)
    assert draws.values.shape == (1, 3)
    assert with_training(draws).freedom < 20  # by patients alone it would be some 50


def test_a_row_of_dealt_reports_has_its_deals_in_its_interval(tmp_path: Path) -> None:
    """Each seed shuffles the reports anew, so the interval includes the variation of the shuffles."""
    spans = {}
    for name, shuffled in (("plain", False), ("dealt", True)):
        for seed, skill in enumerate((-0.5, -0.1, 0.2, 0.5)):
            config = {"pretrain": {"shuffle_reports": shuffled}}
            changes = {"method.name": name, "seed": seed, "config": config}
            put(tmp_path / "results", split(), skill, 5000 * shuffled - seed, **changes)
    made = table(tmp_path)
    for row in made.rows:
        span = row.summaries["auroc"].span
        spans[row.first.method.name] = span.high - span.low
    (dealt,) = [row for row in made.rows if row.first.method.name == "dealt"]
    values = [run.scores.figures["auroc"].value for run in dealt.good if run.scores]
    plain = ttest_1samp(values, 0.5).confidence_interval()
    assert spans["dealt"] == pytest.approx(plain.high - plain.low, rel=0.1)
    assert spans["dealt"] > 2 * spans["plain"]


def test_luck_and_leak_are_told_apart(tmp_path: Path) -> None:
    """One of many rows may miss chance; Holm's correction says whether that is more than luck."""
    made = table(fill(tmp_path, [("mild", 0.35), *((f"m{i}", 0.0) for i in range(6))], draws=4))
    said = control_notes(made)
    off = [row.key for row in made.rows if not holds_chance(made, row)]
    assert "mild@sim" in off, "the planted effect is to be missed by one interval"
    assert any(note.startswith("Interval without 0.5:") for note in said)
    assert said[-1] == "Away from 0.5 with Holm's correction over the 7 rows: none."


def test_one_draw_is_said_to_be_too_few(tmp_path: Path) -> None:
    made = table(fill(tmp_path, [("honest", 0.0)], draws=1))
    assert any("one draw" in note for note in control_notes(made))
    assert not np.isnan(made.rows[0].summaries["auroc"].span.low)


def test_the_p_value_and_the_interval_agree() -> None:
    for value in (0.3, 0.42, 0.5, 0.61):
        for se in (0.02, 0.05):
            error = Error(se, 4.0)
            low, high = limits(value, error, 30.0)
            assert p_of_value(value, low, error) == pytest.approx(0.05)
            assert p_of_value(value, high, error) == pytest.approx(0.05)
    assert p_of_value(0.5, 0.5, Error(0.0, 4.0)) == 1.0  # constant scores: exactly chance
    assert p_of_value(0.6, 0.5, Error(0.0, 4.0)) == 0.0


def test_files_of_a_control(folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folder, tmp_path / "board"))
    put(folder / "results", split(), 1.0)
    build(folder)
    with (folder / "tables/sim-toy/shuffled-labels.csv").open(encoding="utf-8") as file:
        lines = {line["method"]: line for line in csv.DictReader(file)}
    assert (lines["leaky"]["chance"], lines["leaky"]["holds_chance"]) == ("0.5", "NO")
    assert (lines["honest"]["rank"], lines["honest"]["holds_chance"]) == ("", "yes")
    overall = (folder / "tables/overall-sim-standard.csv").read_text()
    assert "toy-probe" in overall
    assert "shuffled" not in overall
    assert "chance" in (folder / "version.json").read_text()
    other = tables_of([r for _, r in read_results(folder / "results")], "*/toy-probe@*")
    assert "chance" not in full_sheet(other[0]).columns
