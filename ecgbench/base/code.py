"""The code behind an output: its entry modules and every first-party module that these import.

The imports are read from the sources; nothing is imported. An import inside a function counts, and so do
relative imports and the ``__init__`` files of packages. An import under ``if TYPE_CHECKING`` does not
count, because it never runs: a module that needs another one for its types alone imports it there.

A string that names a YAML, JSON or CSV file beside the module makes this file a part of the module.

First-party are ``ecgbench`` and, for a plug-in, the plug-in's own package.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ecgbench.base.hashing import content_hash, file_sha256

LEFT_OUT: dict[str, str] = {
    "ecgbench": "holds the version number alone",
    "ecgbench._version": "the version number; the code counts instead",
    "ecgbench.base.*": "addresses, messages, paths and progress bars",
    "ecgbench.config.*": "the settings themselves are part of an address",
    "ecgbench.data.fetch": "a download is held against published hashes",
    "ecgbench.plugins.*": "the descriptions of plug-ins and their code are part of an address",
    "ecgbench.results.schema": "the form of a record, not its content",
    "ecgbench.training.log": "the log of the losses, which nothing reads to make a figure",
}
"""Modules that cannot change a figure, each with the reason. ``.*`` stands for a whole package."""

DATA_FILES = (".yaml", ".json", ".csv")


@dataclass(frozen=True)
class _Source:
    """A source file as an address sees it.

    Attributes:
        digest: Hash of the code, blind to comments, docstrings and layout.
        imports: Full names of the imported things: modules, and names in modules.
        data: Names of data files that the code mentions.
    """

    digest: str
    imports: tuple[str, ...]
    data: tuple[str, ...]


def code_address(*entries: str, packages: Mapping[str, Path] | None = None) -> str:
    """SHA-256 (hex) of the code behind some modules.

    The sources are read once, because a process goes on with the code that it has started with.

    Args:
        entries: Full names of modules.
        packages: First-party packages beside ``ecgbench`` and those of the entries, by their full name:
            the folder of each.

    Raises:
        ModuleNotFoundError: An entry has no source file.
    """
    return _together(entries, tuple(sorted((packages or {}).items())))


@functools.cache
def _together(entries: tuple[str, ...], packages: tuple[tuple[str, Path], ...]) -> str:
    return content_hash({entry: _address_of(entry, packages) for entry in entries})


@functools.cache
def _address_of(entry: str, packages: tuple[tuple[str, Path], ...]) -> str:
    return content_hash(code_behind(entry, packages=dict(packages)))


def code_behind(entry: str, packages: Mapping[str, Path] | None = None) -> dict[str, str]:
    """The ingredients of :func:`code_address`: the hash of each module and data file by its full name.

    Raises:
        ModuleNotFoundError: The entry has no source file.
    """
    roots = {**own_packages(), **(packages or {})}
    if not any(entry == root or entry.startswith(f"{root}.") for root in roots):
        roots |= _package(entry.partition(".")[0])
    if _file_of(entry, tuple(roots.items())) is None:
        raise ModuleNotFoundError(f"The module {entry} has no source file.")
    waiting, found, known = [entry], dict[str, str](), set[str]()
    while waiting:
        name = waiting.pop()
        if name in known or left_out(name):
            continue
        known.add(name)
        waiting += (name[:dot] for dot, sign in enumerate(name) if sign == ".")
        file = _file_of(name, tuple(roots.items()))
        if file is None:
            continue
        stat = file.stat()
        source = _read(file, name, stat.st_mtime_ns, stat.st_size)
        found[name] = source.digest
        for data in map(file.with_name, source.data):
            if data.is_file():
                found[f"{name}/{data.name}"] = _content(data)
        waiting += source.imports
    return found


def forget() -> None:
    """Read the sources again: for tests that change them."""
    _together.cache_clear()
    _address_of.cache_clear()
    _file_of.cache_clear()


def left_out(name: str) -> str | None:
    """Why a module is no part of any address; None where it is a part."""
    for key in (name, f"{name}.*", f"{name.rpartition('.')[0]}.*"):
        if key in LEFT_OUT:
            return LEFT_OUT[key]
    return None


@functools.cache
def own_packages() -> dict[str, Path]:
    """The packages of ecgbench, each with its folder; a checkout has two of them beside ``ecgbench``."""
    found = {"ecgbench": Path(__file__).resolve().parent.parent}
    for name in ("ecgbench.methods", "ecgbench.tasks"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            found[name] = Path(next(iter(spec.submodule_search_locations)))
    return found


def _package(top: str) -> dict[str, Path]:
    """A top-level package or module with its folder, or its file without the ending; empty for none."""
    module = sys.modules.get(top)
    if module is not None and getattr(module, "__path__", None):
        return {top: Path(next(iter(module.__path__)))}
    if module is not None and getattr(module, "__file__", None):
        return {top: Path(str(module.__file__)).with_suffix("")}
    spec = importlib.util.find_spec(top)
    if spec is not None and spec.submodule_search_locations:
        return {top: Path(next(iter(spec.submodule_search_locations)))}
    return {} if spec is None or not spec.origin else {top: Path(spec.origin).with_suffix("")}


@functools.cache
def _file_of(name: str, roots: tuple[tuple[str, Path], ...]) -> Path | None:
    """The source file of a first-party module or package; None for anything else."""
    inside = [(root, at) for root, at in roots if name == root or name.startswith(f"{root}.")]
    if not inside:
        return None
    root, folder = max(inside, key=lambda item: len(item[0]))
    path = folder.joinpath(*name[len(root) :].split(".")[1:])
    files = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((file for file in files if file.is_file()), None)


@functools.lru_cache(maxsize=4096)
def _read(file: Path, name: str, modified: int, size: int) -> _Source:
    """Parse a source file; remembered while the file stays as it is."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):  # an author's file; the cells that import it will say why
        return _Source(file_sha256(file), (), ())
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    imports: list[str] = []
    data: set[str] = set()
    for node in _running(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.endswith(DATA_FILES) and Path(node.value).name == node.value:
                data.add(node.value)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports += _imported(node, package)
    return _Source(content_hash(_plain(tree)), tuple(imports), tuple(sorted(data)))


def _content(file: Path) -> str:
    """Hash of a data file, blind to comments and layout where the format has them."""
    if file.suffix == ".csv":
        return file_sha256(file)
    return content_hash(yaml.safe_load(file.read_text(encoding="utf-8")))


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    """Full names of what an import brings; a name from a package may be a module itself."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    above = package.split(".")
    above = above[: len(above) - node.level + 1] if node.level else []
    start = ".".join([*above, *([node.module] if node.module else [])])
    return [start, *(f"{start}.{alias.name}" for alias in node.names)]


def _running(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node of a tree, without the blocks for type checkers."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if not _for_types(node):
            waiting += ast.iter_child_nodes(node)
            yield node


def _for_types(node: object) -> bool:
    """Whether a node is ``if TYPE_CHECKING:``."""
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
    )


_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _plain(node: Any) -> Any:
    """A syntax tree as JSON-like data, equal for equal code on every version of Python.

    Positions, docstrings, blocks for type checkers and empty fields are left out.
    """
    if isinstance(node, list):
        return [_plain(item) for item in node if not _for_types(item)]
    if not isinstance(node, ast.AST):
        return node if isinstance(node, str | int | None) else repr(node)
    fields = {
        name: _plain(value)
        for name, value in ast.iter_fields(node)
        if value not in (None, []) and name not in ("ctx", "kind", "type_comment")
    }
    if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = fields["body"][1:]
    return [type(node).__name__, fields]
