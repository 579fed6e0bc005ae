"""A simulated data set that is small enough to run a cell in some seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

collect_ignore = ["example_package"]  # a project of its own; test_scaffold.py runs its tests

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="package")  # it changes the environment, for these tests alone
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a question on 300 simulated records, in a cache of its own."""

    folder = tmp_path_factory.mktemp("tiny")
    spec = yaml.safe_load((ROOT / "ecgbench/data/catalogue/sim.yaml").read_text())
    spec.update(name="sim-tiny", records=300)
    spec["generator"]["records"] = 300
    task = {"name": "sim-tiny-super", "title": "Tiny", "dataset": "sim-tiny", "labels": "super"}
    task["protocols"] = ["linear-probe"]
    for kind, content in (("datasets", spec), ("tasks", task)):
        (folder / kind).mkdir()
        (folder / kind / f"{content['name']}.yaml").write_text(yaml.safe_dump(content))
    settings = {
        "ECGBENCH_HOME": str(folder / "home"),
        "ECGBENCH_DATASETS_PATH": str(folder / "datasets"),
        "ECGBENCH_TASKS_PATH": str(folder / "tasks"),
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    yield "sim-tiny-super/linear-probe@100%"
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
