"""The built package installs, and imports its own files outside of the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_wheel_brings_methods_and_tasks(project_root: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    done = subprocess.run(
        [*build, str(_copy_of_sources(project_root, tmp_path / "source"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "would be ignored" not in done.stdout + done.stderr, "each line greets a new user"
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert not {"methods", "tasks", "tests"} & tops, "a generic name would land in site-packages"

    code = (
        "import ecgbench, ecgbench.methods.mae.model, ecgbench.tasks.protocols.linear_probe.linear_probe\n"
        "from ecgbench.authoring.registries import all_registries\n"
        "broken = [e for r in all_registries().values() for e in r.entries().values() if e.problem]\n"
        "print(ecgbench.__file__, len(all_registries()['methods'].names()), broken)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(site), "PATH": ""},
        check=True,
    )
    path, count, broken = ran.stdout.split(maxsplit=2)
    assert path.startswith(str(site))
    assert int(count) >= 4
    assert broken.strip() == "[]"


def _copy_of_sources(root: Path, target: Path) -> Path:
    """The files that git tracks: a build must not need, nor change, anything else."""
    import shutil

    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files"], capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (root / name).is_file() and not name.startswith(("leaderboards/", "docs/img")):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, target / name)
    return target
