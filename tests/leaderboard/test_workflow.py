"""The script of the workflow for pull requests, run on a synthetic pull request."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ecgbench.leaderboard.build import build

from .made_up import put_reason


@pytest.fixture
def pull_request(tmp_path: Path) -> Path:
    """A folder with our checkout, theirs that adds a cell, and labels that nobody asks for."""
    ours, theirs = (tmp_path / name / "leaderboards/v1" for name in ("ours", "theirs"))
    put_reason(ours / "results", "failed", "out of memory", **{"method.name": "old"})
    build(ours)
    shutil.copytree(ours, theirs)
    named = {"method.name": "new", "method.title": "New"}
    put_reason(theirs / "results", "not-applicable", "no text", **named)
    build(theirs)
    (tmp_path / "labels").mkdir()
    return tmp_path


def examined(folder: Path, root: Path) -> tuple[int, str]:
    """Run the script as GitHub does; its exit code and the comment."""
    workflow = yaml.safe_load((root / ".github/workflows/leaderboard.yml").read_text())
    (script,) = [step["run"] for step in workflow["jobs"]["verify"]["steps"] if "id" in step]
    tools = folder / "bin"
    tools.mkdir()
    (tools / "ecgbench").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ecgbench "$@"\n')
    (tools / "ecgbench").chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "-e", "-c", script]
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=False)
    return done.returncode, (folder / "comment.md").read_text()


def test_an_honest_one_is_verified_and_its_difference_commented(
    pull_request: Path, project_root: Path
) -> None:
    code, comment = examined(pull_request, project_root)
    assert code == 0, comment
    assert "## v1" in comment
    assert "Verified" in comment
    assert "| new" in comment
    assert "old&#64;" not in comment


def test_a_forged_one_fails_and_says_what_is_forged(pull_request: Path, project_root: Path) -> None:
    (path,) = (pull_request / "theirs").rglob("new@*/*.json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "schema_version": 99}))
    code, comment = examined(pull_request, project_root)
    assert code == 1
    assert "Not what it claims" in comment
    assert "schema version 99" in comment


def test_an_unchanged_version_is_not_examined(pull_request: Path, project_root: Path) -> None:
    shutil.rmtree(pull_request / "theirs")
    shutil.copytree(pull_request / "ours", pull_request / "theirs")
    assert examined(pull_request, project_root) == (0, "No leaderboard changed.\n")


@pytest.mark.parametrize("what", ["link", "gone", "name"])
def test_what_is_refused_unread(pull_request: Path, project_root: Path, what: str) -> None:
    version = pull_request / "theirs/leaderboards/v1"
    if what == "link":
        (version / "tables/x.csv").symlink_to("/etc/hostname")
    elif what == "gone":
        shutil.rmtree(version)
    else:
        shutil.copytree(version, version.with_name("v2 `@all`"))
        shutil.rmtree(version)
        shutil.copytree(pull_request / "ours/leaderboards/v1", version)
    code, comment = examined(pull_request, project_root)
    assert code == 1
    assert comment.startswith("**Refused:**")
    assert "`@all`" not in comment
