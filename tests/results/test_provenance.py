"""The description of the checkout in a record."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ecgbench.results.provenance import git_state

FILES = (
    "ecgbench/results/provenance.py",
    "ecgbench/data/labels.yaml",
    "methods/mae/model.py",
    "tasks/prompts.json",
    "leaderboards/cell.json",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All"]):
        identity = ["-c", "user.name=N", "-c", "user.email=n@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True)
    git_state.cache_clear()
    return tmp_path


@pytest.mark.parametrize("name", FILES[:-1])
def test_a_change_anywhere_in_the_code_is_seen(checkout: Path, name: str) -> None:
    file = checkout / FILES[0]
    commit, dirty = git_state(file)
    assert len(str(commit)) == 40
    assert dirty is False
    (checkout / name).write_text("x = 2\n")
    git_state.cache_clear()
    assert git_state(file) == (commit, True)


def test_a_new_module_is_a_change_and_a_new_result_is_none(checkout: Path) -> None:
    (checkout / "leaderboards" / "other.json").write_text("{}")
    (checkout / FILES[-1]).write_text("{}")
    assert git_state(checkout / FILES[0])[1] is False
    (checkout / "methods" / "new.py").write_text("x = 1\n")
    git_state.cache_clear()
    assert git_state(checkout / FILES[0])[1] is True


def test_an_installed_copy_has_no_commit(tmp_path: Path) -> None:
    (tmp_path / "provenance.py").write_text("")
    assert git_state(tmp_path / "provenance.py") == (None, None)
