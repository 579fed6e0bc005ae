"""Old records: each version is read by lifting it to the next, one step at a time.

A step takes and gives plain JSON data, so that it needs no model of the old version. Files of every old
version stand in ``tests/results/fixtures``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecgbench.base.errors import ResultError
from ecgbench.results.schema import SCHEMA_VERSION


def migrate(record: Any) -> dict[str, Any]:
    """Lift a record to the version of today.

    Raises:
        ResultError: It is no record, or of a version that this ecgbench does not know.
    """
    if not isinstance(record, dict):
        raise ResultError("It is no result: a result is a JSON object.")
    version = record.get("schema_version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ResultError(f"It is no result: schema_version is {version!r}.")
    if version > SCHEMA_VERSION:
        raise ResultError(
            f"It has schema version {version}; this ecgbench reads up to {SCHEMA_VERSION}.",
            "Upgrade ecgbench: pip install -U ecgbench-harness.",
        )
    lifted: dict[str, Any] = record
    for step in range(version, SCHEMA_VERSION):
        lifted = STEPS[step](lifted)
    return lifted


def _from_1(record: dict[str, Any]) -> dict[str, Any]:
    """Version 2 added standard errors, effective patients and replicates: unknown for old records.

    It also asks who reproduced a cell; version 1 could call itself verified without saying.
    """
    lifted = {**record, "schema_version": 2}
    if lifted.get("verification") == "verified":
        lifted["verification"] = "self-reported"
    return lifted


def _from_2(record: dict[str, Any]) -> dict[str, Any]:
    """Version 3 says what code made predictions and scores; before, the method's code alone was known."""
    method = dict(record.get("method") or {})
    code = {"predictions": method.pop("code_hash", None), "scores": None}
    return {**record, "schema_version": 3, "method": method, "code": code}


STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1, 2: _from_2}
