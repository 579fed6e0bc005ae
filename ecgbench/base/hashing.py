"""Addresses: every output of a stage is named by the hash of what it was made from."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = ("ecgbench.nn.", "ecgbench.simulated.")
"""Packages whose modules belong to the code that imports them."""


def canonical_json(value: Any) -> str:
    """Write a value as JSON that is the same on every machine (sorted keys, no spaces).

    Raises:
        ValueError: NaN or infinity, which JSON does not have.
        TypeError: A type that JSON does not have.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def content_hash(value: Any) -> str:
    """SHA-256 (hex) of a JSON-like value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code_hash(roots: Iterable[Path]) -> str:
    """SHA-256 (hex) of Python sources, blind to comments, docstrings and layout.

    A comment that is put right must not make hours of training stale; a changed line must, and so must
    one in a shared block that the code imports.

    Args:
        roots: Files and folders (all Python files below one, tests left out). Modules of
            :data:`SHARED` that they import, directly or by one another, count too.
    """
    waiting = [
        file for root in roots for file in (sorted(root.rglob("*.py")) if root.is_dir() else [root])
    ]
    codes: dict[str, str] = {}
    while waiting:
        file = waiting.pop()
        name = f"{file.parent.name}/{file.name}"
        if name in codes or file.name.startswith("test_"):
            continue
        stat = file.stat()
        code, blocks = _read(file, ROOT, stat.st_mtime_ns, stat.st_size)
        waiting += [block for block in blocks if block.is_file()]
        codes[name] = code
    return content_hash(codes)


@functools.lru_cache(maxsize=1024)
def _read(file: Path, root: Path, modified: int, size: int) -> tuple[str, tuple[Path, ...]]:
    """A module's code and the blocks below ``root`` that it imports.

    Remembered while the file stays as it is: a plan of a thousand cells asks for each a thousand times.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return _without_docstrings(tree), tuple(_imported_blocks(tree, root))


def _imported_blocks(tree: ast.Module, root: Path) -> Iterable[Path]:
    """Files of :data:`SHARED` below ``root`` that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            for package in SHARED:
                if name.startswith(package):
                    inside = package.split(".")[1:-1]
                    yield root.joinpath(*inside, f"{name[len(package) :].split('.')[0]}.py")


def _without_docstrings(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
