"""`ecgbench doctor`: checks of the installation, the plug-ins, the disk and the device."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from ecgbench._version import __version__
from ecgbench.authoring.registries import all_registries
from ecgbench.base.errors import EcgbenchError
from ecgbench.base.paths import home

DISTRIBUTION = "ecgbench-harness"
NEEDED_GB = 5.0


@dataclass(frozen=True)
class Check:
    """One check and its outcome.

    Attributes:
        what: The finding in one line.
        fine: Whether nothing has to be done.
        remedy: What to do if something has to be done.
    """

    what: str
    fine: bool = True
    remedy: str = ""


def examine() -> Iterator[Check]:
    """Run all checks."""
    yield from clashes()
    yield from _plugins()
    yield _disk()
    yield _wordnet()
    yield _device()


def clashes() -> Iterator[Check]:
    """Check whether an unrelated distribution claims the import name or the command.

    PyPI has an unrelated package named ``ecgbench``, which installs a module and a command of the same
    names.
    """
    claimed = metadata.packages_distributions().get("ecgbench", [])
    strangers = sorted(set(claimed) - {DISTRIBUTION})
    commands = sorted(
        {
            point.dist.name
            for point in metadata.entry_points(group="console_scripts", name="ecgbench")
            if point.dist is not None and point.dist.name != DISTRIBUTION
        }
    )
    for stranger in dict.fromkeys([*strangers, *commands]):
        yield Check(
            f"The distribution {stranger!r} also installs `ecgbench`; it is another project.",
            False,
            f"pip uninstall {stranger}, then install {DISTRIBUTION} again: pip removes its files too.",
        )
    if not strangers and not commands:
        yield Check(f"{DISTRIBUTION} {__version__}, alone under its name")


def _plugins() -> Iterator[Check]:
    for kind, registry in all_registries().items():
        broken = [entry for entry in registry.entries().values() if entry.problem]
        if not broken:
            yield Check(f"{len(registry.entries())} {kind}, none broken")
        for entry in broken:
            what = f"The {registry.kind} {entry.name!r} is broken: {entry.problem}"
            yield Check(what, False, f"See {entry.path}")


def _disk() -> Check:
    folder = home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        return Check(
            f"{folder} cannot be written to: {error.strerror}",
            False,
            "Set ECGBENCH_HOME to a folder that can.",
        )
    return Check(
        f"{folder} is writable, {free:.0f} GB free",
        free >= NEEDED_GB,
        f"Free some space or set ECGBENCH_HOME: the store of PTB-XL takes about {NEEDED_GB:.0f} GB.",
    )


def _wordnet() -> Check:
    """A missing WordNet is no problem, because only report generation needs it."""
    from ecgbench.metrics.wordnet import reader

    try:
        reader()
    except EcgbenchError as error:
        return Check(f"{error.message}: report generation cannot be scored. {error.hint}")
    return Check("WordNet, which METEOR needs, is installed")


def _device() -> Check:
    import torch

    if torch.cuda.is_available():
        return Check(f"torch {torch.__version__} on {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Check(f"torch {torch.__version__} on Apple's GPU")
    return Check(f"torch {torch.__version__} on {os.cpu_count()} CPU cores; no GPU was found")
