"""The examples in the docstrings of the metrics."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name", ["classification", "clinical", "retrieval", "text", "weighted", "words"]
)
def test_examples_hold(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"ecgbench.metrics.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
