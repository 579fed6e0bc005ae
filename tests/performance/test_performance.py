"""Measurements are of equal answers, interleaved, and written down as they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecgbench.base.errors import EcgbenchError
from ecgbench.cli.app import app
from ecgbench.performance.measures import MEASURES, OURS, USUAL, Measure, Prepared
from ecgbench.performance.report import BEGIN, END, measure, table, write_page
from ecgbench.performance.timing import Way, interleaved, ratio


def test_ways_are_timed_in_turn_after_a_round_that_is_not_counted() -> None:
    calls: list[str] = []
    ways = {name: Way(lambda name=name: calls.append(name)) for name in ("a", "b")}
    seconds = interleaved(ways, 3)
    assert calls == ["a", "b"] * 4
    assert [len(spent) for spent in seconds.values()] == [3, 3]


def test_a_share_counts_as_the_whole_and_repeats_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(100))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(now)))  # each look: a second later
    assert interleaved({"a": Way(lambda: None, share=0.1, repeat=2)}, 1) == {"a": [5.0]}


def test_a_ratio_is_taken_round_by_round() -> None:
    assert ratio([10.0, 40.0, 90.0], [1.0, 2.0, 3.0]) == 20.0  # of 10, 20, 30


@pytest.mark.slow
@pytest.mark.parametrize("one", MEASURES, ids=lambda one: one.name)
def test_ours_and_the_usual_way_give_the_same_answers(one: Measure) -> None:
    with one.ready() as prepared:
        assert {OURS, USUAL} <= set(prepared.ways)
        assert prepared.difference <= one.tolerance
        assert all(0 < way.share <= 1 for way in prepared.ways.values())


def made_up(difference: float = 0.0, bar: float | None = 2.0) -> Measure:
    ways = {OURS: Way(lambda: sum(range(100))), USUAL: Way(lambda: sum(range(100_000)))}
    return Measure(
        "read-wfdb", "work", "usual", "", bar, 1e-9, lambda folder: Prepared(ways, difference)
    )


def test_another_answer_is_not_timed() -> None:
    with pytest.raises(EcgbenchError, match=r"differ by 0\.5"):
        measure([made_up(0.5)], 1)
    with pytest.raises(EcgbenchError, match="differ by nan"):
        measure([made_up(float("nan"))], 1)


def test_a_page_holds_what_was_measured_and_names_what_was_not(tmp_path: Path) -> None:
    found = measure([made_up()], 2)
    assert found["measures"]["read-wfdb"]["times_as_fast"] > 2
    shown = table(found)
    assert ">= 10: " in shown
    assert shown.count("not measured yet") == len(MEASURES) - 1
    folder = tmp_path / "performance"
    folder.mkdir()
    (folder / "here.json").write_text(json.dumps(found))
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    runner = CliRunner()
    assert runner.invoke(app, ["bench", "--page", str(page)]).exit_code == 0
    text = page.read_text()
    assert shown in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    page.write_text("no place")
    with pytest.raises(EcgbenchError, match="lacks the lines"):
        write_page(page, [])


def test_a_machine_is_described_without_names_of_people_or_hosts() -> None:
    import getpass
    import socket

    from ecgbench.performance.machine import describe

    text = json.dumps(describe())
    assert socket.gethostname() not in text
    assert f'"{getpass.getuser()}"' not in text
    assert describe()["cores"] >= 1


def test_an_unknown_measure_names_the_nearest() -> None:
    found = CliRunner().invoke(app, ["bench", "--only", "prob"])
    assert found.exit_code != 0
    assert "probe" in str(getattr(found.exception, "hint", ""))


def test_the_committed_page_is_what_its_files_make(project_root: Path, tmp_path: Path) -> None:
    page = project_root / "docs" / "performance.md"
    copy = tmp_path / "performance.md"
    copy.write_text(page.read_text())
    write_page(copy, (page.parent / "performance").glob("*.json"))
    assert copy.read_text() == page.read_text()
