"""A small matrix of the tests' own: two methods, one simulated data set, one task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ecgbench.data.spec import datasets
from ecgbench.plugins.catalogue import methods, tasks
from ecgbench.runs.plan import chosen_methods, questions
from ecgbench.runs.run import Request

PLUGINS = Path(__file__).resolve().parent.parent / "toy_plugins"


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the session: the tiny data set is simulated once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def small_matrix(small_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECGBENCH_HOME", str(small_home))
    registries = (methods, tasks, datasets)
    for registry, name in zip(registries, ("methods", "tasks", "datasets"), strict=True):
        monkeypatch.delenv(f"ECGBENCH_{name.upper()}_PATH", raising=False)
        monkeypatch.setattr(registry, "paths", [PLUGINS / name])


@pytest.fixture
def request_for(small_matrix: None, tmp_path: Path) -> Callable[..., Request]:
    def make(
        names: str = "tiny", tasks: str = "sim-tiny-super/linear-probe@*", **extra: object
    ) -> Request:
        fields = {"seeds": 1, "profile": "demo", "out": tmp_path / "out", **extra}
        fields["overrides"] = ("compute.threads=1", *extra.get("overrides", ()))  # type: ignore[misc]
        return Request(
            methods=chosen_methods(names.split(",")),
            questions=questions(tasks.split(",")),
            **fields,  # type: ignore[arg-type]
        )

    return make
