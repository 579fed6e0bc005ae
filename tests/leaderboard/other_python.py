"""A Python of another version than the one that runs the tests, with what tables are built with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VARIABLE = "ECGBENCH_OTHER_PYTHON"
KNOWN = ((3, 11), (3, 12))
NEEDED = (
    "filelock",
    "jinja2",
    "numpy",
    "omegaconf",
    "platformdirs",
    "pydantic",
    "pyyaml",
    "rich",
    "scipy",
    "tabulate",
    "typer",
)


def other_python(folder: Path, root: Path) -> Path:
    """The interpreter to compare with; skips the test where none is asked for, or none is found.

    Args:
        folder: Where an environment is made for an interpreter that lacks a package.
        root: Of the project: the versions of packages are its constraints'.
    """
    asked = os.environ.get(VARIABLE)
    if not asked:
        pytest.skip(f"set {VARIABLE} to another Python, or to 'auto' (pip fetches what it lacks)")
    python = _find() if asked == "auto" else Path(asked)
    if python is None:
        pytest.skip("there is no other Python of a version that ecgbench knows")
    try_imports = "import " + ", ".join(NEEDED).replace("pyyaml", "yaml")
    done = subprocess.run([python, "-c", try_imports], capture_output=True, check=False)
    if done.returncode == 0:
        return python
    subprocess.run([python, "-m", "venv", folder], check=True)
    made = folder / "bin" / "python"
    constraints = ["-c", str(root / "constraints.txt")]
    command = [made, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*command, *constraints, *NEEDED], check=True)
    return made


def source_folder(folder: Path, root: Path) -> Path:
    """Links in the layout of an installation: ``methods`` and ``tasks`` are inside the package."""
    package = folder / "ecgbench"
    package.mkdir(parents=True)
    for path in [*(root / "ecgbench").iterdir(), root / "methods", root / "tasks"]:
        (package / path.name).symlink_to(path)
    return folder


def _find() -> Path | None:
    for major, minor in (version for version in KNOWN if version != sys.version_info[:2]):
        installed = Path.home().glob(f".pyenv/versions/{major}.{minor}.*/bin/python")
        for place in (shutil.which(f"python{major}.{minor}"), *installed):
            if place is not None and _version(Path(place)) == [str(major), str(minor)]:
                return Path(place)
    return None


def _version(python: Path) -> list[str]:
    """As it says itself: a name on the path may lead nowhere."""
    command = [python, "-c", "import sys; print(*sys.version_info[:2])"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
