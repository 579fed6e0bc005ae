"""What made a result: commit, packages, machine. No name of a user, a host or a folder is recorded."""

from __future__ import annotations

import functools
import platform
import resource
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from ecgbench._version import __version__
from ecgbench.results.parts import ProvenancePart

PACKAGES = (
    *("lightning", "nltk", "numpy", "omegaconf", "pandas", "pyarrow", "rouge-score", "sacrebleu"),
    *("scikit-learn", "scipy", "tokenizers", "torch", "torchmetrics", "transformers", "wfdb"),
)


def provenance(command: tuple[str, ...]) -> ProvenancePart:
    """What makes the results of this process.

    Args:
        command: Arguments of ``ecgbench`` that run the cell again.
    """
    commit, dirty = git_state(Path(__file__).resolve())
    return ProvenancePart(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        ecgbench=__version__,
        commit=commit,
        dirty=dirty,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages=_versions(),
        command=command,
    )


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024**2 if sys.platform == "darwin" else 1024), 1)


CODE = (":/ecgbench", ":/methods", ":/tasks")  # folders of the checkout


@functools.cache
def git_state(file: Path) -> tuple[str | None, bool | None]:
    """Commit of the checkout that a source file belongs to, and whether its code was changed since.

    Args:
        file: A file of ecgbench.

    Returns:
        None, None for an installed copy, which belongs to no checkout.
    """

    def git(*arguments: str) -> str:
        call = ["git", "-C", str(file.parent), *arguments]
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", str(file))
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--", *CODE))
    except (OSError, subprocess.CalledProcessError):
        return None, None


@functools.cache
def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
