from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ecgbench.leaderboard.build import build

from .made_up import put, split

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
