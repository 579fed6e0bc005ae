from __future__ import annotations

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ecgbench.base.errors import ResultError
from ecgbench.leaderboard.build import build, check
from ecgbench.leaderboard.sheets import Sheet, short_sheet
from ecgbench.leaderboard.show import show, tables_of
from ecgbench.results.store import read_result, read_results, write_result

from .made_up import board, put, put_reason, split
from .other_python import other_python, source_folder
from .test_hostile import HOSTILE

METHODS = [("mae", 1.0), ("clip", 1.2), ("random_init", 0.3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return board(tmp_path / "board", METHODS, split())


def lines(folder: Path, name: str = "sim-toy/toy-probe.csv") -> dict[str, dict[str, str]]:
    with (folder / "tables" / name).open(newline="", encoding="utf-8") as file:
        return {row.get("method") or row["row"]: row for row in csv.DictReader(file)}


def sheets(results: Path) -> list[Sheet]:
    found = [result for _, result in read_results(results)]
    return [short_sheet(table) for table in tables_of(found)]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "results" not in path.parts
    }


def test_a_row_is_the_mean_of_its_runs(folder: Path) -> None:
    build(folder)
    row = lines(folder)["clip"]
    values = [
        result.scores.figures["auroc"].value
        for _, result in read_results(folder / "results")
        if result.method.name == "clip" and result.scores
    ]
    assert float(row["auroc"]) == pytest.approx(sum(values) / 2, abs=5e-5)
    assert float(row["auroc_sd_seeds"]) == pytest.approx(
        abs(values[0] - values[1]) / 2**0.5, abs=5e-5
    )
    assert row["auroc_sd_draws"] == ""
    assert float(row["auroc_low"]) < float(row["auroc"]) < float(row["auroc_high"])
    assert (row["seeds"], row["draws"], row["runs"], row["status"]) == (
        "2",
        "1",
        "2",
        "self-reported",
    )
    assert row["simulated"] == "true"
    last = lines(folder)["random_init"]
    assert (last["weights_rank"], last["rank"]) == ("3", "")  # two seeds are no procedure
    assert last["auroc_procedure_low"] == ""
    assert "auprc_low" not in row  # its interval does not cover


def test_building_again_changes_no_byte_and_check_agrees(folder: Path) -> None:
    build(folder)
    first = contents(folder)
    assert check(folder) == []
    build(folder)
    assert contents(folder) == first
    assert {"version.json", "tables/README.md", "tables/cells.csv"} <= first.keys()


def test_check_says_which_file_and_line_differ(folder: Path) -> None:
    build(folder)
    table = folder / "tables/sim-toy/toy-probe.csv"
    table.write_text(table.read_text().replace("0.", "0.9", 1))
    (folder / "tables/invented.csv").write_text("method,auroc\nours,0.999\n")
    (folder / "tables/cells.csv").unlink()
    said = "\n".join(check(folder))
    assert "toy-probe.csv differs: line 2" in said
    assert "invented.csv is made from no result" in said
    assert "cells.csv is missing" in said
    build(folder)
    assert check(folder) == []


def test_the_bytes_do_not_depend_on_machine_locale_or_order(folder: Path, tmp_path: Path) -> None:
    build(folder)
    other = tmp_path / "elsewhere/with space/board"
    other.mkdir(parents=True)
    paths = sorted((folder / "results").rglob("*.*"))
    random.Random(1).shuffle(paths)
    for path in paths:
        target = other / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        os.utime(target, (0, 0))
    code = (
        "from pathlib import Path; from ecgbench.leaderboard.build import build; "
        f"build(Path({str(other)!r}))"
    )
    changed = {"LANG": "tr_TR.UTF-8", "LC_ALL": "C", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **changed})
    assert contents(other) == contents(folder)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_another_python_makes_the_same_bytes(
    folder: Path, tmp_path: Path, project_root: Path
) -> None:
    """Tables and page of a board with failures, controls and hostile names."""
    python = other_python(tmp_path / "environment", project_root)
    for number, text in enumerate(HOSTILE):
        changes = {"method.name": f"m{number}", "method.title": text[:200]}
        put(folder / "results", split(), 1.0, number, **{"task.name": "sim-hostile"}, **changes)
    for draw in range(3):
        changes = {"protocol.name": "control", "protocol.chance": 0.5, "draw": draw}
        put(folder / "results", split(), 0.2, draw, **changes)
    put_reason(folder / "results", "failed", "out of memory", **{"method.name": "broken"})
    other = tmp_path / "other" / folder.name
    shutil.copytree(folder / "results", other / "results")
    code = (
        "from pathlib import Path; from ecgbench.leaderboard.build import build; "
        "from ecgbench.leaderboard.page.render import write_page; "
        "folder = Path({!r}); build(folder); "
        "write_page(folder, folder / 'page.html', with_examples='none')"
    )
    source = str(source_folder(tmp_path / "source", project_root))
    environment = {**os.environ, "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1"}
    for interpreter, where in ((sys.executable, folder), (python, other)):
        command = [interpreter, "-c", code.format(str(where))]
        subprocess.run(command, check=True, cwd=tmp_path, env=environment)
    assert contents(other).keys() == contents(folder).keys()
    for name, content in contents(folder).items():
        assert contents(other)[name] == content, name
    assert "page.html" in contents(folder)


def test_build_never_imports_torch(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ecgbench.leaderboard.build import build; "
        f"build(Path({str(folder)!r})); "
        "assert not {'torch', 'sklearn', 'matplotlib'} & sys.modules.keys(), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_run_is_said_and_not_ranked(folder: Path) -> None:
    put_reason(folder / "results", "failed", "out of memory", **{"method.name": "mae", "seed": 2})
    build(folder)
    row = lines(folder)["mae"]
    assert row["status"] == "incomplete"
    assert row["rank"] == ""
    assert "out of memory" in row["notes"]
    assert (row["runs"], row["runs_expected"]) == ("2", "3")
    assert "mae" in next(sheet for sheet in sheets(folder / "results")).notes[-1]


def test_a_seed_that_was_left_out_shows(folder: Path) -> None:
    put(folder / "results", split(), 2.0, **{"method.name": "lucky", "seed": 4})
    build(folder)
    assert lines(folder)["lucky"]["runs_expected"] == "5"
    assert lines(folder)["lucky"]["status"] == "incomplete"


def test_draws_that_most_rows_have_are_missed(folder: Path) -> None:
    for name in ("mae", "clip"):
        for seed in range(2):
            changes = {"method.name": name, "method.title": name.upper(), "seed": seed, "draw": 1}
            put(folder / "results", split(), 1.0, len(name), **changes)
    build(folder)
    assert {name: row["status"] for name, row in lines(folder).items()} == {
        "mae": "self-reported",
        "clip": "self-reported",
        "random_init": "incomplete",
    }


def test_cells_that_cannot_be_are_listed_with_their_reason(folder: Path) -> None:
    changes = {"method.name": "no_text", "protocol.name": "zero-shot"}
    put_reason(folder / "results", "not-applicable", "no_text does not encode text", **changes)
    build(folder)
    row = lines(folder, "sim-toy/zero-shot.csv")["no_text"]
    assert row["status"] == "not-applicable"
    assert "does not encode text" in row["notes"]


def test_another_configuration_is_never_averaged_with_the_rest(folder: Path) -> None:
    put(folder / "results", split(), 1.0, **{"seed": 2, "method.config_hash": "0" * 64})
    build(folder)
    assert lines(folder)["mae"]["status"] == "mixed"
    assert lines(folder)["mae"]["rank"] == ""


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("task.fingerprint", "task"),
        ("protocol.fingerprint", "protocol"),
        ("data.fingerprint", "data"),
        ("data.test_fingerprint", "test records and labels"),
    ],
)
def test_fingerprints_never_meet_in_a_table(folder: Path, key: str, said: str) -> None:
    put(folder / "results", split(), 1.0, **{"method.name": "other", key: "f" * 64})
    with pytest.raises(ResultError, match=f"differ in: {said}") as caught:
        build(folder)
    assert "other@sim/sim-toy" in caught.value.message  # a result of each kind is named
    # a user's own folder shows them apart
    assert len(sheets(folder / "results")) == 2


def test_another_resampling_is_another_question(folder: Path) -> None:
    wider = split(records=122)
    put(folder / "results", wider, 1.0, **{"method.name": "other"})
    with pytest.raises(ResultError, match="resamples"):
        build(folder)


def test_a_version_keeps_what_it_pinned(folder: Path) -> None:
    build(folder)
    pins = json.loads((folder / "version.json").read_text())
    assert list(pins["questions"]) == ["sim-toy/toy-probe@100%"]
    shutil.rmtree(folder / "results")
    put(folder / "results", split(), 1.0, **{"task.fingerprint": "f" * 64})
    with pytest.raises(ResultError, match=r"not the question that this version pins.*task"):
        build(folder)


def test_a_contaminated_row_is_flagged_and_out_of_the_ranking(folder: Path) -> None:
    seen = {"method.name": "cheat", "pretraining.contaminated": "trained on 12 test records"}
    put(folder / "results", split(), 9.0, **seen)
    put(
        folder / "results",
        split(),
        9.0,
        **{"method.name": "borrowed", "pretraining.declared": ["sim"]},
    )
    build(folder)
    for name, reason in (("cheat", "12 test records"), ("borrowed", "seen sim")):
        row = lines(folder)[name]
        assert (row["status"], row["rank"], row["weights_rank"]) == ("contaminated", "", "")
        assert reason in row["notes"]
    assert lines(folder)["clip"]["weights_rank"] == "1"


def test_a_test_split_that_was_looked_at_often_is_noted(folder: Path) -> None:
    put(folder / "results", split(), 1.0, **{"method.name": "again", "test_evaluations": 7})
    build(folder)
    assert "test split predicted up to 7 times" in lines(folder)["again"]["notes"]
    assert "predicted" not in lines(folder)["mae"]["notes"]


def test_a_cell_twice_is_refused(folder: Path) -> None:
    path = next((folder / "results").rglob("*.json"))
    shutil.copy(path, path.with_name("copy.json"))
    with pytest.raises(ResultError, match="Two results for the cell"):
        build(folder)


def test_means_over_tasks_are_of_complete_rows(folder: Path) -> None:
    for name, skill in METHODS[:2]:
        for seed in range(2):
            changes = {
                "method.name": name,
                "task.name": "sim-super",
                "task.label_set": "super",
                "seed": seed,
            }
            put(folder / "results", split(seed=5), skill, **changes)
    build(folder)
    rows = lines(folder, "overall-sim-standard.csv")
    assert rows["random_init@sim"]["mean"] == ""
    assert rows["random_init@sim"]["sim-super"] == "missing"
    assert rows["random_init@sim"]["tasks"] == "1 of 2"
    whole = rows["clip@sim"]
    assert float(whole["mean"]) == pytest.approx(
        (float(whole["sim-toy"]) + float(whole["sim-super"])) / 2, abs=1e-4
    )
    assert whole["mean_rank"] == ""
    assert float(whole["weights_mean_rank"]) >= 1


def test_simulated_and_real_stand_apart_and_are_named(folder: Path) -> None:
    real = {
        "task.name": "ptbxl-mini-sub",
        "task.dataset": "ptbxl-mini",
        "task.simulated": False,
    }
    put(folder / "results", split(), 1.0, **real)
    build(folder)
    page = (folder / "tables/README.md").read_text()
    assert "sim (SIMULATED data, track standard)" in page
    assert "ptbxl-mini (real data, track standard)" in page
    assert (folder / "tables/overall-sim-standard.csv").is_file()
    titles = [sheet.title for sheet in sheets(folder / "results")]
    assert ["SIMULATED" in title for title in titles] == [False, True]


def test_the_overview_leaves_one_tasks_variants_to_its_own_page(tmp_path: Path) -> None:
    for name in ("sim-toy", "sim-other"):
        put(tmp_path / "results", split(), 1.0, **{"task.name": name})
    put(tmp_path / "results", split(), 1.0, **{"protocol.name": "toy-shift"})
    build(tmp_path)
    overview = (tmp_path / "tables/README.md").read_text().split("## By task and protocol")[0]
    assert "toy-probe" in overview
    assert "toy-shift" not in overview
    assert "toy-shift@100%" in (tmp_path / "tables/overall-sim-standard.csv").read_text()
    assert (tmp_path / "tables/sim-toy/toy-shift.md").is_file()


def test_no_results_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="no results") as caught:
        build(tmp_path)
    assert "ecgbench run" in str(caught.value.hint)


def test_an_old_record_without_replicates_is_shown_unranked(folder: Path) -> None:
    path = next((folder / "results").rglob("*.json"))
    result = read_result(path)
    assert result.scores is not None
    scores = result.scores.model_copy(update={"replicates": {}})
    write_result(folder / "results", result.model_copy(update={"scores": scores}))
    build(folder)
    assert lines(folder)[result.method.name]["rank"] == ""
    assert lines(folder)[result.method.name]["auroc"] != ""


def test_a_terminal_gets_one_table_a_question(folder: Path) -> None:
    put_reason(folder / "results", "failed", "out of memory", **{"method.name": "broken"})
    printed = show(folder / "results")
    assert "sim-toy/toy-probe@100% (SIMULATED data, track standard)" in printed
    lines = printed.splitlines()
    found = [next(i for i, line in enumerate(lines) if name in line) for name in ("CLIP", "MAE")]
    assert found == sorted(found)
    assert "out of memory" in printed
    assert show([]) == "No results."


def test_a_stray_draw_of_one_row_leaves_the_others_complete(folder: Path) -> None:
    build(folder)
    before = {name: line["status"] for name, line in lines(folder).items()}
    put(folder / "results", split(), 1.0, **{"method.name": "stray", "draw": 9})
    build(folder)
    after = {name: line["status"] for name, line in lines(folder).items()}
    assert {name: after[name] for name in before} == before
    assert "incomplete" not in before.values()
