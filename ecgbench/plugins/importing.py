"""Import the code that a plug-in's YAML file names, or check the code without importing it."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ecgbench.base.code import code_address
from ecgbench.base.errors import PluginError
from ecgbench.base.hashing import content_hash


@functools.cache
def builtin_folder(folder: str) -> Path:
    """The folder of ``ecgbench.methods`` or ``ecgbench.tasks``, in a checkout or installed."""
    spec = importlib.util.find_spec(f"ecgbench.{folder}")
    locations = spec.submodule_search_locations if spec else None
    if not locations:
        raise PluginError(f"ecgbench.{folder} is not installed.", "Install ecgbench-harness again.")
    return Path(next(iter(locations)))


def load_object(entry: str, folder: Path) -> Any:
    """Import the object ``module:Name``.

    Args:
        entry: ``module:Name``. The module is relative to the folder's package if the folder has such a
            file, and absolute otherwise.
        folder: Folder of the YAML file that holds the entry.

    Raises:
        PluginError: The module or the name cannot be imported. The message gives the reason.
    """
    module_name, _, name = entry.partition(":")
    try:
        if _local(module_name, folder).is_file():
            module = importlib.import_module(f"{_package_of(folder)}.{module_name}")
        else:
            module = importlib.import_module(module_name)
        return getattr(module, name)
    except Exception as error:  # an author's code may fail in any way
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise PluginError(f"{entry} in {folder} cannot be imported: {reason}") from error


def code_of(folder: Path, *entries: str | None) -> str:
    """Hash of the code behind the entries of a plug-in; imports nothing."""
    return content_hash([_code_of(entry, folder) for entry in entries if entry is not None])


def _code_of(entry: str, folder: Path) -> str:
    module_name = entry.partition(":")[0]
    if _local(module_name, folder).is_file():
        package = _importable(folder)
        if package is not None:
            return code_address(f"{package}.{module_name}")
        # the same name everywhere, so that a method's hash does not depend on the place of its folder
        return code_address(f"plugin.{module_name}", packages={"plugin": folder})
    try:
        return code_address(module_name)
    except ModuleNotFoundError:
        return content_hash(entry)  # its cells fail with the reason


def _local(module_name: str, folder: Path) -> Path:
    return folder / (module_name.replace(".", "/") + ".py")


@functools.cache
def _importable(folder: Path) -> str | None:
    """The dotted name that a folder can be imported under; None for any other folder."""
    folder = folder.resolve()
    for name in ("methods", "tasks"):
        builtin = builtin_folder(name).resolve()
        if folder.is_relative_to(builtin):
            return ".".join(("ecgbench", name, *folder.relative_to(builtin).parts))
    if not (folder / "__init__.py").is_file():
        return None
    for base in map(Path, sys.path):
        if base.is_dir() and folder.is_relative_to(base.resolve()):
            name = ".".join(folder.relative_to(base.resolve()).parts)
            if name.replace(".", "_").isidentifier():
                return name
    return None


def _package_of(folder: Path) -> str:
    """The dotted name that a folder is imported under; made up for a folder outside every package."""
    name = _importable(folder)
    if name is not None:
        return name
    name = (
        f"ecgbench_plugin_{folder.name.replace('-', '_')}_{content_hash(str(folder.resolve()))[:8]}"
    )
    if name not in sys.modules:
        init = folder / "__init__.py"
        spec = importlib.util.spec_from_file_location(
            name, init if init.is_file() else None, submodule_search_locations=[str(folder)]
        ) or importlib.util.spec_from_loader(name, None, is_package=True)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations[:] = [str(folder)]
        module.__path__ = [str(folder)]
        sys.modules[name] = module
        if spec.loader is not None and init.is_file():
            spec.loader.exec_module(module)
    return name


def check_code(entry: str, folder: Path) -> None:
    """Check, without importing, whether a local entry can be imported.

    Raises:
        PluginError: The file is missing or invalid, lacks the name, or imports a package that is not
            installed.
    """
    module_name, _, name = entry.partition(":")
    file = _local(module_name, folder)
    if not file.is_file():
        if "." not in module_name:
            raise PluginError(f"{file.name} is missing.")
        return
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise PluginError(f"{file.name} cannot be parsed: {str(error).splitlines()[0]}") from error
    defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in node.names}
    if name not in defined:
        raise PluginError(f"{file.name} defines no {name}.")
    for needed in _top_level_imports(tree):
        if importlib.util.find_spec(needed) is None:
            raise PluginError(f"{file.name} imports {needed!r}, which is not installed.")


def _top_level_imports(tree: ast.Module) -> Iterable[str]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]
