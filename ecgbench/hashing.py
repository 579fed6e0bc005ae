"""Addresses: every output of a stage is named by the hash of what it was made from."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


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


def code_hash(paths: Iterable[Path]) -> str:
    """SHA-256 (hex) of Python sources, blind to comments, docstrings and layout.

    A comment that is put right must not make hours of training stale; a changed line must. A folder
    stands for all Python files below it, test files left out.

    Args:
        paths: Files and folders.
    """
    digest = hashlib.sha256()
    for root in paths:
        files = sorted(root.rglob("*.py")) if root.is_dir() else [root]
        for file in files:
            if file.name.startswith("test_"):
                continue
            digest.update(file.relative_to(root.parent).as_posix().encode())
            digest.update(_code_of(file).encode())
    return digest.hexdigest()


def _code_of(file: Path) -> str:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
