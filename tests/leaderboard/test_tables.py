from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from stats.classes import bootstrap_classes

from ecgbench.evaluation.ground_truth import Truth
from ecgbench.evaluation.scoring import BOOTSTRAP_SEED
from ecgbench.leaderboard.build import build
from ecgbench.leaderboard.evidence import evidence_of, runs_of
from ecgbench.leaderboard.questions import ALIGNED, OWN_TEXT_TOWER, questions
from ecgbench.leaderboard.sheets import full_sheet, short_sheet, title_of
from ecgbench.leaderboard.tables import Table, answer, table_of
from ecgbench.metrics import weighted
from ecgbench.results.store import read_result, read_results
from ecgbench.stats.bootstrap import Bootstrap, macro_interval
from ecgbench.stats.components import interval_of
from ecgbench.stats.evidence import Runs

from .made_up import RESAMPLES, predictions, put, put_reason, split

UNTRAINED = {"pretraining": {}, "method.family": "baseline"}
BOARD = "leaderboards/2026.1/results"


def boot(of: Truth, skill: float, noise: int = 0) -> Bootstrap:
    scores = predictions(of, skill, noise).scores
    patients = of.patients.tolist()
    return bootstrap_classes(of.values, scores, patients, weighted.auroc, RESAMPLES, BOOTSTRAP_SEED)


def tables(folder: Path) -> list[Table]:
    asked = questions(result for _, result in read_results(folder))
    return [table for question in asked for table in answer(question)]


def cells(table: Table, *columns: str) -> list[tuple[str, ...]]:
    sheet = full_sheet(table)
    places = [sheet.columns.index(column) for column in columns]
    return [tuple(row[place] for place in places) for row in sheet.rows]


def test_the_interval_of_a_run_is_the_one_from_labels(tmp_path: Path) -> None:
    of = split()
    item = evidence_of(read_result(put(tmp_path, of, 1.0)), "auroc")
    assert item is not None
    wanted = macro_interval(boot(of, 1.0))
    there = interval_of(Runs.of([[item]]), "weights")
    assert there == pytest.approx((wanted.low, wanted.high), abs=2e-5)


def test_a_perfect_figure_has_wilsons_limits(tmp_path: Path) -> None:
    of = split()
    item = evidence_of(read_result(put(tmp_path, of, 1e6)), "auroc")
    assert item is not None
    there, wanted = interval_of(Runs.of([[item]]), "weights"), macro_interval(boot(of, 1e6))
    assert wanted.value == there.high == 1.0
    assert there.low == pytest.approx(wanted.low, abs=1e-6)


def test_runs_are_a_grid_of_seeds_and_draws(tmp_path: Path) -> None:
    results = [
        read_result(put(tmp_path, split(), 1.0, seed=seed, draw=draw))
        for seed in range(3)
        for draw in range(2)
    ]
    runs = runs_of(results[::-1], "auroc")
    assert runs is not None
    assert runs.values.shape == (3, 2)
    scores = results[3].scores
    assert scores is not None
    assert runs.values[1, 1] == scores.figures["auroc"].value
    holed = runs_of(results[1:], "auroc")
    assert holed is not None
    assert holed.values.shape == (1, 5)  # no seed and no draw is told from another
    assert runs_of(results, "rouge_l") is None


def test_seeds_part_what_patients_alone_would_separate(tmp_path: Path) -> None:
    """The old tables separated these rows: each is sure on these patients and unsure over seeds."""
    of = split(600)
    for name, skills in (("steady", (1.0, 1.02, 0.98)), ("moody", (0.2, 0.5, 1.3))):
        for seed, skill in enumerate(skills):
            put(tmp_path, of, skill, len(name), **{"method.name": name, "seed": seed})
    (table,) = tables(tmp_path)
    steady, moody = table.rows
    assert table.tells_apart(steady, moody, "weights")
    assert not table.tells_apart(steady, moody, "procedure")
    assert cells(table, "weights_letters", "letters") == [("a", "a"), ("b", "a")]
    assert cells(table, "rank", "rank_low", "rank_high") == [("1", "1", "2"), ("2", "1", "2")]
    low, high = moody.summaries["auroc"].procedure
    weights = moody.summaries["auroc"].span
    assert low < weights.low < weights.high < high


def test_rows_of_fewer_seeds_are_not_ranked_with_procedures(tmp_path: Path) -> None:
    of = split(300)
    for name, skill, seeds in (
        ("lucky", 3.0, 1),
        ("two", 2.5, 2),
        ("good", 1.5, 3),
        ("bad", 0.1, 3),
    ):
        for seed in range(seeds):
            put(tmp_path, of, skill, len(name), **{"method.name": name, "seed": seed})
    (table,) = tables(tmp_path)
    found = cells(table, "method", "rank", "letters", "weights_rank")
    assert found == [
        ("good", "1", "a", "3"),
        ("bad", "2", "b", "4"),
        ("lucky", "", "", "1"),
        ("two", "", "", "2"),
    ]
    assert not any({"lucky@sim", "two@sim"} & pair for pair in table.apart["procedure"])
    sheet = short_sheet(table)
    assert [row[sheet.columns.index("Rank")] for row in sheet.rows] == ["1", "2", "", ""]
    procedure = [row[sheet.columns.index("Procedure, 95 %")] for row in sheet.rows]
    assert procedure[2:] == ["too few seeds"] * 2
    assert any(
        note.endswith("separated from nobody as a procedure: lucky@sim, two@sim.")
        for note in sheet.notes
    )


def test_a_table_of_single_seeds_speaks_of_weights_alone(tmp_path: Path) -> None:
    for name, skill in (("a", 2.0), ("b", 0.1)):
        put(tmp_path, split(300), skill, **{"method.name": name})
    (table,) = tables(tmp_path)
    sheet = short_sheet(table)
    assert not {"Rank", "Letters", "Procedure, 95 %"} & set(sheet.columns)
    assert {"Rank of weights", "Letters of weights"} < set(sheet.columns)
    assert "procedure" not in table.apart
    assert table.best is table.rows[0]


def test_the_same_runs_stand_once_with_both_names(tmp_path: Path) -> None:
    for name in ("random_init", "supervised"):
        changes = {"method.name": name, "method.title": name.title(), **UNTRAINED}
        for seed in range(3):
            put(tmp_path, split(), 1.0, **changes, seed=seed)
    put(tmp_path, split(), 1.0, 7, **{"method.name": "other"})
    (table,) = tables(tmp_path)
    assert [row.title for row in table.rows] == ["Random_Init = Supervised", "MAE"]
    twins = table.row("supervised@none")
    assert twins is table.row("random_init@none") is not None
    assert cells(table, "also")[0] == ("supervised@none",)
    assert any("the same runs as supervised@none" in note for note in full_sheet(table).notes)


def test_rows_that_differ_in_one_run_stand_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        for seed in range(3):
            noise = 5 if (name, seed) == ("two", 2) else 0
            put(tmp_path, split(), 1.0, noise, **{"method.name": name, "seed": seed})
    (table,) = tables(tmp_path)
    assert len(table.rows) == 2


def test_text_towers_and_post_hoc_alignment_are_two_tables(tmp_path: Path) -> None:
    zero_shot = {"protocol.name": "zero-shot", "protocol.variant": "en"}
    put(tmp_path / "results", split(), 1.0, **zero_shot, **{"method.name": "tower"})
    aligned = {"method.name": "aligned", "choices": {"alignment_penalty": 10.0}}
    put(tmp_path / "results", split(), 2.0, **zero_shot, **aligned)
    refused = {"method.name": "refused", **zero_shot}
    put_reason(tmp_path / "results", "not-applicable", "no words", **refused)
    by_part = {table.question.part: table for table in tables(tmp_path / "results")}
    assert by_part.keys() == {OWN_TEXT_TOWER, ALIGNED}
    names = {part: [row.first.method.name for row in table.rows] for part, table in by_part.items()}
    assert names == {OWN_TEXT_TOWER: ["tower", "refused"], ALIGNED: ["aligned"]}
    assert "zero-shot@en, aligned post hoc" in title_of(by_part[ALIGNED])
    build(tmp_path)
    with (tmp_path / "tables/sim-toy/zero-shot.csv").open(encoding="utf-8") as file:
        lines = {line["method"]: line for line in csv.DictReader(file)}
    assert lines["aligned"]["part"] == ALIGNED
    assert [lines[name]["weights_rank"] for name in ("tower", "aligned")] == ["1", "1"]


def test_the_bar_is_the_best_untrained_encoder(tmp_path: Path) -> None:
    of = split(400)
    for name, skill, changes in (
        ("random_init", 0.5, UNTRAINED),
        ("random_init_resnet", 1.0, UNTRAINED),
        ("classical", 2.0, {**UNTRAINED, "method.parameters": 0}),
        ("far", 3.0, {}),
        ("near", 1.0, {}),
        ("below", 0.1, {}),
    ):
        for seed in range(3):
            put(tmp_path, of, skill, len(name), **{"method.name": name, "seed": seed, **changes})
    (table,) = tables(tmp_path)
    assert dict(cells(table, "method", "against_untrained")) == {
        "far": "above",
        "classical": "above",
        "random_init_resnet": "bar",
        "near": "not separated",
        "random_init": "below",
        "below": "below",
    }
    put(tmp_path, of, 3.0, 9, **{"method.name": "single"})
    (table,) = tables(tmp_path)
    assert dict(cells(table, "method", "against_untrained"))["single"] == "above (weights)"


def test_a_small_share_says_how_many_records_it_is(tmp_path: Path) -> None:
    for draw, records in enumerate((40, 42)):
        put(tmp_path, split(), draw=draw, **{"protocol.variant": "1%", "data.n_train": records})
    (table,) = tables(tmp_path)
    assert cells(table, "training_records") == [("40-42",)]
    assert (
        "1% of the training records are 40 to 42 records in each draw." in full_sheet(table).notes
    )


def test_the_second_macro_mean_is_over_frequent_classes(tmp_path: Path) -> None:
    of = split(120)
    rare = of.values.copy()
    rare[rare[:, 0].nonzero()[0][9:], 0] = 0  # nine positives
    path = put(tmp_path, Truth(of.classes, of.record_ids, rare, of.patients), 1.0)
    scores = read_result(path).scores
    assert scores is not None
    wanted = np.mean([entry.auroc.value for entry in scores.classes[1:] if entry.auroc.value])
    (table,) = tables(tmp_path)
    ((value, classes),) = cells(table, "auroc_10_positives", "classes_10_positives")
    assert float(value) == pytest.approx(wanted, abs=5e-5)
    assert classes == "3"


def test_auprc_has_no_interval_in_tables(tmp_path: Path) -> None:
    put(tmp_path, split())
    (table,) = tables(tmp_path)
    assert {"auprc", "f1_low", "auroc_low"} <= set(full_sheet(table).columns)
    assert not {"auprc_low", "auprc_procedure_low"} & set(full_sheet(table).columns)
    assert "(" not in short_sheet(table).rows[0][short_sheet(table).columns.index("AUPRC")]


@pytest.fixture(scope="module")
def committed(project_root: Path) -> list[Table]:
    """The probe and zero-shot on the committed board's 23 classes."""
    read = read_results(project_root / BOARD / "ptbxl-mini-sub")
    kept = [r for _, r in read if r.protocol.name in ("linear-probe", "zero-shot")]
    return [table for question in questions(kept) for table in answer(question)]


def test_on_the_committed_board_letters_say_what_the_tests_say(committed: list[Table]) -> None:
    """Runs of neighbours gave 227 pairs of the board no letter in common that no test separated."""
    judged = 0
    for table in committed:
        for statement in ("weights", "procedure"):
            placed = [(row, getattr(row, statement)) for row in table.rows]
            placed = [(row, standing) for row, standing in placed if standing is not None]
            for i, (one, first) in enumerate(placed):
                for other, second in placed[:i]:
                    shared = set(first.letters) & set(second.letters)
                    apart = table.tells_apart(one, other, statement)  # type: ignore[arg-type]
                    assert bool(shared) != apart
                    judged += 1
    assert judged > 300


def test_on_the_committed_board_seeds_take_away_what_they_should(committed: list[Table]) -> None:
    """Rows with three seeds: fewer pairs differ as procedures than as trained weights."""
    apart = {"weights": 0, "procedure": 0}
    for table in committed:
        procedures = {row.key for row in table.procedures}
        for statement in apart:
            apart[statement] += sum(pair <= procedures for pair in table.apart[statement])  # type: ignore[index]
    assert 0 < apart["procedure"] < 0.9 * apart["weights"]


def test_table_of_is_of_one_part(tmp_path: Path) -> None:
    put(tmp_path, split())
    (question,) = questions(result for _, result in read_results(tmp_path))
    assert table_of(question).question.part == ""
