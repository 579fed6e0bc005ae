"""One registry for methods, tasks and data sets.

A plug-in is a YAML file that describes a method, a task or a data set. Its code, if any, is in the same
folder and is imported only for a run. Listing therefore imports nothing heavy. A broken plug-in is listed
with the reason and does not affect other plug-ins. Plug-ins come from three places, in this order:

1. folders of ecgbench itself (``methods/``, ``tasks/``, the data catalogue),
2. installed packages, by entry points: group ``ecgbench.methods``, ``ecgbench.tasks`` or
   ``ecgbench.datasets``; the value is the name of a package whose folder holds the YAML file,
3. folders that the user names (``--methods-path`` or ``$ECGBENCH_METHODS_PATH``, and so on).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from ecgbench.base.errors import EcgbenchError, PluginError, UnknownNameError, did_you_mean

T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A registered name with its plug-in, or with the reason why the plug-in cannot be used.

    Attributes:
        name: The registered name.
        origin: ``built-in``, ``package NAME`` or ``path FOLDER``.
        path: The YAML file, or the searched place for a broken plug-in.
        value: The description in the file; None for a broken plug-in.
        problem: One line; None for a usable plug-in.
    """

    name: str
    origin: str
    path: Path
    value: T | None = None
    problem: str | None = None


@dataclass
class Registry(Generic[T]):
    """Plug-ins of one kind by name, described by YAML files.

    Args:
        kind: Word for a plug-in in messages: ``method``, ``task``, ``data set``.
        group: Entry-point group; the environment variable's name is made from it too
            (``ecgbench.methods`` -> ``ECGBENCH_METHODS_PATH``).
        builtin: Folder of ecgbench's own plug-ins.
        find: Gives the YAML files of a folder.
        load: Reads one YAML file; raises :class:`EcgbenchError` for an unusable file.
        name_of: Gives the name under which an unreadable file is listed.
    """

    kind: str
    group: str
    builtin: Path
    find: Callable[[Path], Iterable[Path]]
    load: Callable[[Path], tuple[str, T]]
    name_of: Callable[[Path], str] = lambda path: path.stem
    paths: list[Path] = field(default_factory=list)
    _known: tuple[list[Path], dict[str, Entry[T]]] | None = field(default=None, repr=False)

    def add_path(self, folder: Path) -> None:
        """Look for plug-ins in one more folder.

        Raises:
            PluginError: The folder does not exist, or holds no plug-in.
        """
        if not folder.is_dir():
            raise PluginError(f"There is no folder {folder}.", f"Name a folder with a {self.kind}.")
        if not list(self.find(folder)):
            raise PluginError(f"No {self.kind} in {folder}.", "See docs/authors.md.")
        self.paths.append(folder)

    def refresh(self) -> None:
        """Read all files again after a change of one file. Changed folders are detected without this call."""
        self._known = None

    def entries(self) -> dict[str, Entry[T]]:
        """All registered names, including broken plug-ins, sorted by name.

        Raises:
            PluginError: Two plug-ins have the same name.
        """
        folders = self._folders()
        if self._known is None or self._known[0] != folders:
            found: dict[str, Entry[T]] = {}
            for entry in self._discover():
                other = found.get(entry.name)
                if other is not None and other.path.resolve() != entry.path.resolve():
                    raise PluginError(
                        f"Two {self.kind}s are named {entry.name!r}: {other.path} and {entry.path}.",
                        "Rename one of them.",
                    )
                found[entry.name] = entry
            self._known = folders, dict(sorted(found.items()))
        return self._known[1]

    def names(self) -> list[str]:
        """The names of usable plug-ins."""
        return [name for name, entry in self.entries().items() if entry.problem is None]

    def entry(self, name: str) -> Entry[T]:
        """The entry of a name, usable or broken.

        Raises:
            UnknownNameError: No plug-in has this name. The message suggests the nearest name.
        """
        entries = self.entries()
        if name not in entries:
            raise UnknownNameError(f"Unknown {self.kind} {name!r}.", did_you_mean(name, entries))
        return entries[name]

    def get(self, name: str) -> T:
        """The plug-in of this name.

        Raises:
            UnknownNameError: No plug-in has this name. The message suggests the nearest name.
            PluginError: The plug-in is broken.
        """
        entry = self.entry(name)
        if entry.value is None:
            raise PluginError(f"The {self.kind} {name!r} cannot be used: {entry.problem}")
        return entry.value

    def _discover(self) -> Iterator[Entry[T]]:
        for file in self.find(self.builtin):
            yield self._read(file, "built-in")
        for point in sorted(
            importlib.metadata.entry_points(group=self.group), key=lambda point: point.name
        ):
            origin = f"package {point.dist.name}" if point.dist else "package"
            yield from self._from_package(point.name, point.value, origin)
        for folder in self._folders():
            for file in self.find(folder):
                yield self._read(file, f"path {folder}")

    def _folders(self) -> list[Path]:
        """Folders of plug-ins: from the environment variable, then those of :meth:`add_path`."""
        variable = self.group.upper().replace(".", "_") + "_PATH"
        named = os.environ.get(variable, "").split(os.pathsep)
        return [*(Path(item) for item in named if item), *self.paths]

    def _from_package(self, name: str, module: str, origin: str) -> Iterator[Entry[T]]:
        folder = _folder_of(module)
        files = list(self.find(folder)) if folder else []
        if not files:
            where = folder or Path(module)
            yield Entry(name, origin, where, problem=f"no {self.kind} found in {module!r}")
        for file in files:
            yield self._read(file, origin)

    def _read(self, file: Path, origin: str) -> Entry[T]:
        try:
            name, value = self.load(file)
        except EcgbenchError as error:
            return Entry(self.name_of(file), origin, file, problem=error.message)
        except Exception as error:  # a plug-in may fail in any way and must not affect others
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            return Entry(self.name_of(file), origin, file, problem=reason)
        return Entry(name, origin, file, value=value)


def _folder_of(module: str) -> Path | None:
    """The folder of a package, found without importing the package itself."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))
