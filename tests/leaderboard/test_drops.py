from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ecgbench.leaderboard.build import build

from .made_up import put, put_reason, split

NOISE = {"protocol.name": "toy-noise"}


def drops(folder: Path) -> dict[tuple[str, str], dict[str, str]]:
    build(folder)
    with (folder / "tables/sim-toy/toy-noise-drops.csv").open(encoding="utf-8") as file:
        return {(row["row"], row["variant"]): row for row in csv.DictReader(file)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, skills in (("mae", (2.0, 1.0, 0.2)), ("clip", (2.0, 2.0, 1.5))):
        for variant, skill in zip(("clean", "gain", "wander"), skills, strict=True):
            changes = {**NOISE, "method.name": name, "protocol.variant": variant}
            put(tmp_path / "results", split(300), skill, **changes)
    return tmp_path


def test_a_drop_is_from_the_clean_variant_with_a_paired_interval(folder: Path) -> None:
    found = drops(folder)
    line = found["mae@sim", "wander"]
    drop, low, high = (float(line[name]) for name in ("drop", "drop_low", "drop_high"))
    assert drop == pytest.approx(float(line["clean"]) - float(line["figure"]), abs=2e-4)
    assert 0 < low < drop < high
    assert (line["worst"], found["mae@sim", "gain"]["worst"]) == ("worst", "")
    same = found["clip@sim", "gain"]  # the same predictions
    assert [float(same[name]) for name in ("drop", "drop_low", "drop_high")] == [0.0, 0.0, 0.0]


def test_a_missing_variant_is_said_and_no_other_is_called_the_worst(folder: Path) -> None:
    next((folder / "results").rglob("mae@*/toy-noise@wander*.json")).unlink()
    found = drops(folder)
    assert found["mae@sim", "wander"]["worst"] == "missing"
    assert found["mae@sim", "gain"]["worst"] == ""
    assert found["clip@sim", "wander"]["worst"] == "worst"


def test_other_records_have_a_drop_without_an_interval(folder: Path) -> None:
    for name in ("mae", "clip"):
        changes = {**NOISE, "method.name": name, "protocol.variant": "women"}
        changes["data.test_fingerprint"] = "f" * 64
        put(folder / "results", split(200, seed=3), 1.0, **changes)
    line = drops(folder)["mae@sim", "women"]
    assert float(line["drop"]) > 0
    assert line["drop_low"] == line["drop_high"] == ""


def test_protocols_without_a_clean_variant_have_no_drops(tmp_path: Path) -> None:
    put(tmp_path / "results", split())
    build(tmp_path)
    assert not list((tmp_path / "tables").rglob("*-drops.csv"))


def test_levels_have_a_mean_with_a_paired_interval_and_a_worst_kind(tmp_path: Path) -> None:
    skills = {"clean": 2.0, "gain-1": 1.8, "gain-2": 1.6, "wander-1": 1.5, "wander-2": 0.2}
    for variant, skill in skills.items():
        put(tmp_path / "results", split(300), skill, **NOISE, **{"protocol.variant": variant})
    found = {variant: line for (_, variant), line in drops(tmp_path).items()}
    mean = found["wander (mean)"]
    levels = [float(found[f"wander-{level}"]["drop"]) for level in (1, 2)]
    assert float(mean["drop"]) == pytest.approx(sum(levels) / 2, abs=2e-4)
    low, high = float(mean["drop_low"]), float(mean["drop_high"])
    assert 0 < low < float(mean["drop"]) < high
    wider = found["wander-2"]
    assert high - low < float(wider["drop_high"]) - float(wider["drop_low"])
    assert {name for name, line in found.items() if line["worst"]} == {"wander-2", "wander (mean)"}


def test_a_mean_needs_every_level(tmp_path: Path) -> None:
    for variant in ("clean", "gain-1", "gain-3", "wander-1", "site-0", "site-1"):
        put(tmp_path / "results", split(), 1.0, **NOISE, **{"protocol.variant": variant})
    assert not [name for _, name in drops(tmp_path) if "mean" in name]


def test_a_level_that_failed_leaves_the_mean_without_a_figure(folder: Path) -> None:
    for level, skill in ((1, 1.0), (2, None)):
        changes = {**NOISE, "method.name": "mae", "protocol.variant": f"motion-{level}"}
        if skill is None:
            put_reason(folder / "results", "failed", "out of memory", **changes)
        else:
            put(folder / "results", split(300), skill, **changes)
    line = drops(folder)["mae@sim", "motion (mean)"]
    assert [line[name] for name in ("figure", "drop", "worst")] == ["", "", "failed"]


def test_the_worst_group_has_the_lowest_figure_and_no_refusal_hides_it(tmp_path: Path) -> None:
    put(tmp_path / "results", split(300), 2.0, **NOISE, **{"protocol.variant": "clean"})
    groups = {"age-old": (150, 0.3), "sex-male": (60, 1.5), "sex-female": (300, 1.9)}
    for number, (variant, (records, skill)) in enumerate(groups.items()):
        changes = {"protocol.variant": variant, "data.test_fingerprint": f"{number}" * 64}
        put(tmp_path / "results", split(records, seed=number), skill, **NOISE, **changes)
    changes = {"protocol.variant": "site-9", "data": None}
    put_reason(tmp_path / "results", "not-applicable", "no such site", **NOISE, **changes)
    found = {variant: line for (_, variant), line in drops(tmp_path).items()}
    assert found["site-9"]["worst"] == "not-applicable"
    assert found["age-old"]["worst"] == "worst"
    figures = {name: float(line["figure"]) for name, line in found.items() if line["figure"]}
    assert min(figures, key=lambda name: figures[name]) == "age-old"
