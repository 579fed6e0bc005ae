"""The summary of a run: who leads, how sure that is, at most 40 lines and no line too long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ecgbench.base.errors import ResultError
from ecgbench.cli.app import app
from ecgbench.leaderboard.headline import headline
from ecgbench.leaderboard.show import show_method
from ecgbench.results.schema import Result
from ecgbench.results.store import read_results

from .made_up import board, put, put_reason, split

SKILLS = [("good", 3.0), ("also", 2.9), ("poor", 0.2)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return board(tmp_path, SKILLS, split(300), seeds=3)


def results(folder: Path) -> list[Result]:
    return [result for _, result in read_results(folder / "results")]


def as_probe(name: str, **more: Any) -> dict[str, Any]:
    return {"protocol.name": "linear-probe", "protocol.variant": name, **more}


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_it_says_who_leads_and_who_is_not_separated(folder: Path) -> None:
    text = headline(results(folder), 80)
    assert "sim-toy (SIMULATED ECGs): AUROC" in text
    assert "*" in line_of(text, "GOOD")
    assert "*" in line_of(text, "ALSO")
    assert "*" not in line_of(text, "POOR")
    verdict = next(line for line in text.splitlines() if "leads" in line)
    assert verdict.startswith("toy-probe 100%: GOOD leads, not separated (over seeds) from ALSO.")
    assert "9 cells done, 0 not applicable, 0 failed." in text


def test_figures_are_never_cut(folder: Path) -> None:
    for width in (60, 80, 200):
        line = line_of(headline(results(folder), width), "GOOD")
        value, span = line.split()[1:3]
        assert value.startswith(".")
        assert len(value) == 4
        assert span.startswith("(.")
        assert span.endswith(")*")


def test_columns_that_do_not_fit_are_named_and_no_line_is_too_long(tmp_path: Path) -> None:
    of = split(200)
    for number, variant in enumerate(["1%", "100%"]):
        put(tmp_path / "results", of, 1.0 + number, **as_probe(variant))
    for number, variant in enumerate(["1%", "100%"]):
        changes = as_probe(variant, **{"protocol.name": "fine-tune"})
        put(tmp_path / "results", of, 1.0 + number, **changes)
    narrow, wide = (headline(results(tmp_path), width) for width in (60, 200))
    assert all(len(line) <= 60 for line in narrow.splitlines())
    assert "A wider terminal shows" in narrow
    assert "A wider terminal shows" not in wide
    assert line_of(wide, "MAE").count("(") == 4


def test_only_the_variants_that_a_protocol_names_are_shown(tmp_path: Path) -> None:
    for variant in ("1%", "10%", "100%"):
        put(tmp_path / "results", split(), 1.0, **as_probe(variant))
    assert "10%" not in headline(results(tmp_path), 200).split()


def test_rows_with_few_seeds_are_marked_and_never_lead(folder: Path) -> None:
    changes = {"method.name": "lucky", "method.title": "LUCKY"}
    put(folder / "results", split(300), 5.0, 77, **changes)
    text = headline(results(folder), 80)
    assert line_of(text, "LUCKY").endswith("¹")
    assert "GOOD leads" in text
    assert "fewer than three seeds" in " ".join(text.split())


def test_untrained_encoders_are_marked_and_a_missing_gain_is_said(folder: Path) -> None:
    for seed in range(3):
        changes = {
            "method.name": "raw",
            "method.title": "RAW",
            "seed": seed,
            "pretraining": {"datasets": [], "simulated": False, "records": 0, "steps": 0},
        }
        put(folder / "results", split(300), 2.95, 50, **changes)
    text = " ".join(headline(results(folder), 80).split())
    assert "RAW °" in text
    assert "RAW is untrained: pre-training shows no gain here." in text


def test_a_corpus_and_a_setting_are_part_of_the_title(folder: Path) -> None:
    changes = {
        "pretraining.datasets": ["sim-20k", "sim"],
        "config": {"pretrain": {"before": ["sim-20k"]}},
        "method.variant": "model.depth=2,pretrain.before=[sim-20k]",
    }
    put(folder / "results", split(300), 1.0, **changes)
    assert "MAE, after sim-20k, model.dep" in headline(results(folder), 80)


def test_failures_are_counted_with_the_first_reason(folder: Path) -> None:
    put_reason(folder / "results", "failed", "out of memory\x1b[31m", **{"method.name": "broken"})
    put_reason(folder / "results", "not-applicable", "no text", **{"method.name": "mute"})
    text = headline(results(folder), 80)
    assert "9 cells done, 1 not applicable, 1 failed." in text
    assert "out of memory" in text
    assert "\x1b" not in text


def test_many_tasks_stay_within_40_lines(tmp_path: Path) -> None:
    of = split(60)
    for number in range(12):
        for name, skill in SKILLS:
            changes = {"task.name": f"sim-toy{number}", "method.name": name, "method.title": name}
            put(tmp_path / "results", of, skill, number, **changes)
    text = headline(results(tmp_path), 80)
    assert len(text.splitlines()) <= 39, "and a line that says where the results are"
    assert "More tasks: " in text
    assert "sim-toy11" in text


def test_a_method_is_shown_with_its_rank_in_every_question(folder: Path) -> None:
    text = show_method(results(folder), "poor")
    assert "sim-toy/toy-probe@100%" in text
    assert "3 of 3" in text
    with pytest.raises(ResultError, match="gud"):
        show_method(results(folder), "gud")


def test_show_takes_a_task_a_protocol_or_a_method(folder: Path) -> None:
    runner, out = CliRunner(), ["--out", str(folder / "results")]
    whole = runner.invoke(app, ["show", "sim-toy", *out])
    assert "sim-toy/toy-probe@100%" in whole.output
    assert runner.invoke(app, ["show", "sim-toy/toy-probe", *out]).output == whole.output
    assert "2 of 3" in runner.invoke(app, ["show", "also", *out]).output
    assert runner.invoke(app, ["show", "nothing", *out]).exit_code != 0
