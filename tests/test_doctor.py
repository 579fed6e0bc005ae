"""`ecgbench doctor`: each check finds its problem and gives the remedy."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecgbench import doctor
from ecgbench.base.errors import MetricError
from ecgbench.metrics import wordnet
from ecgbench.plugins.catalogue import methods


def test_a_missing_wordnet_is_named_and_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise MetricError("METEOR needs WordNet", "Get it.")

    monkeypatch.setattr(wordnet, "reader", none)
    found = [check for check in doctor.examine() if "WordNet" in check.what]
    assert [(check.what, check.fine) for check in found] == [
        ("METEOR needs WordNet: report generation cannot be scored. Get it.", True)
    ]


def test_the_other_project_of_this_name_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"ecgbench": [doctor.DISTRIBUTION, "ecgbench"]}
    monkeypatch.setattr(metadata, "packages_distributions", lambda: names)
    problems = [check for check in doctor.clashes() if not check.fine]
    assert "'ecgbench' also installs" in problems[0].what
    assert "pip uninstall ecgbench" in problems[0].remedy
    monkeypatch.setattr(
        metadata, "packages_distributions", lambda: {"ecgbench": [doctor.DISTRIBUTION]}
    )
    assert [check.fine for check in doctor.clashes()] == [True]


@pytest.mark.parametrize(("gigabytes", "fine"), [(4.9, False), (5.1, True)])
def test_a_full_disk_is_a_problem(
    gigabytes: float, fine: bool, ecgbench_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(free=gigabytes * 1e9)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    (check,) = [check for check in doctor.examine() if "GB free" in check.what]
    assert str(ecgbench_home) in check.what
    assert check.fine == fine
    assert "ECGBENCH_HOME" in check.remedy


def test_a_home_that_cannot_be_written_to_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("ECGBENCH_HOME", str(file / "home"))
    (check,) = [check for check in doctor.examine() if "cannot be written to" in check.what]
    assert not check.fine


def test_a_broken_plugin_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "spoiled"
    folder.mkdir()
    (folder / "config.yaml").write_text("nonsense: 1")
    monkeypatch.setattr(methods, "paths", [tmp_path])
    problems = [check for check in doctor.examine() if "is broken" in check.what]
    assert ["'spoiled'" in check.what and not check.fine for check in problems] == [True]
    assert str(folder) in problems[0].remedy
