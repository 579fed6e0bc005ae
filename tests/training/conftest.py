"""The tiny method and data set of the run tests, as a recipe."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from runs.conftest import request_for, small_home, small_matrix  # noqa: F401

from ecgbench.runs.run import make_plan
from ecgbench.training.recipe import Recipe


@pytest.fixture
def recipe_for(request_for: Callable[..., object]) -> Callable[..., Recipe]:  # noqa: F811
    def make(*overrides: str) -> Recipe:
        plan = make_plan(request_for(overrides=overrides))  # type: ignore[arg-type]
        return plan.planned[0].session.recipe

    return make
