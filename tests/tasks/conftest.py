"""The tiny matrix of the run tests; see tests/runs/conftest.py."""

from __future__ import annotations

from runs.conftest import request_for, small_home, small_matrix  # noqa: F401
