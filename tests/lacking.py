"""Tests that need more of the machine than Python: a browser, LaTeX, WordNet (`make system`)."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

VARIABLE = "ECGBENCH_ALL_TESTS"


def lacking(what: str) -> NoReturn:
    """Skip the test; fail it where every test is asked for, so that none is left out unseen."""
    if os.environ.get(VARIABLE):
        pytest.fail(f"{what}; {VARIABLE} asks for every test: `make system` installs it")
    pytest.skip(what)
