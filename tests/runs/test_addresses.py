"""The law of addresses: each first-party module that a stage loads decides the stage's address.

A stage runs in a process of its own on pickled inputs, and tells which modules it has loaded. A changed
line in any of them, in a copy, has to change the address, or the module is on the list of modules that
cannot change a figure.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ecgbench.base import code
from ecgbench.base.code import code_address, left_out, own_packages
from ecgbench.data.generated import source_path
from ecgbench.data.opening import open_dataset
from ecgbench.data.signals import SignalSpec, _wish
from ecgbench.data.sources import preparing_code
from ecgbench.evaluation.label_sources import prepared
from ecgbench.plugins.catalogue import methods
from ecgbench.protocol import Records
from ecgbench.results.predictions import ScorePredictions
from ecgbench.runs.draft import SCORING, split_of_question
from ecgbench.runs.predict import predictions_code
from ecgbench.runs.run import carry_out, make_plan
from ecgbench.training.encode import Encoder
from runs.conftest import PLUGINS

RUN = """
import json, pickle, sys
entry, inputs = sys.argv[1].split(":"), sys.argv[2]
module = __import__(entry[0], fromlist=["_"])
with open(inputs, "rb") as file:
    arguments, keywords = pickle.load(file)
getattr(module, entry[1])(*arguments, **keywords)
print(json.dumps({n: m.__file__ for n, m in sys.modules.items() if n.startswith("ecgbench") and m.__file__}))
"""


@dataclass
class Stage:
    """A function with its inputs, and the address of its output."""

    entry: str
    inputs: tuple[Any, ...]
    address: Callable[[], Any]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("copy")
    roots = {}
    for name, source in own_packages().items():
        roots[name] = folder / name
        shutil.copytree(source, roots[name], ignore=shutil.ignore_patterns("__pycache__"))
    return roots


def loaded(stage: Stage, folder: Path) -> dict[str, Path]:
    """The first-party modules of a fresh process that has run the stage."""
    inputs = folder / "inputs.pickle"
    inputs.write_bytes(pickle.dumps((stage.inputs, {})))
    environment = {**os.environ, "ECGBENCH_HOME": str(folder / "home")}
    environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", RUN, stage.entry, str(inputs)],
        env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: Path(file) for name, file in found.items()}


def in_copy(file: Path, roots: dict[str, Path]) -> Path:
    """The file of a module in the copy; the file of a plug-in is not copied."""
    for name in sorted(own_packages(), key=len, reverse=True):
        if file.resolve().is_relative_to(own_packages()[name].resolve()):
            return roots[name] / file.resolve().relative_to(own_packages()[name].resolve())
    return file


def stages(request_for: Callable[..., Any], name: str) -> Stage:
    names = {
        "fine-tune": "fine-tune@100%",
        "shift": "corruption@muscle-noise-3",
        "retrieval": "retrieval@reports",
        "report-generation": "report-generation@nearest",
    }
    asked = f"sim-tiny-super/{names.get(name, 'linear-probe@100%')}"
    plan = make_plan(request_for(tasks=asked))
    session, (question,) = plan.planned[0].session, plan.planned[0].group.questions
    dataset, recipe = open_dataset("sim-tiny"), session.recipe
    if name == "generate":
        generated = "ecgbench.data.generated:generated_source"
        return Stage(generated, (dataset.spec, 1), lambda: source_path(dataset.spec))
    if name == "prepare":
        entry, folder = "ecgbench.data.prepare:prepare_store", source_path(dataset.spec)
        return Stage(entry, (dataset.spec, folder), lambda: preparing_code(dataset.spec))
    if name == "adapt":
        wish = (dataset, SignalSpec())
        return Stage("ecgbench.data.signals:adapt", wish, lambda: _wish(*wish, None, None))
    if name == "pretrain":
        return Stage("ecgbench.training.pretrain:pretrain", (recipe,), lambda: recipe.address)
    if name == "score":
        truth = prepared(split_of_question(question))
        noise = np.random.default_rng(0).random(truth.values.shape)
        guessed = ScorePredictions.of(truth.record_ids, truth.classes, noise)
        arguments = (guessed, truth)
        return Stage("stage_entries:score", arguments, lambda: code_address(SCORING))
    if name == "encode":
        checkpoint = session.encoder().checkpoint
        rows = np.arange(5)
        ids = dataset.records.index.to_numpy(dtype=str)[rows]
        records = Records(recipe.datasets[0], rows, ids)

        def path() -> Path:
            made = replace(checkpoint, address=recipe.address)
            return Encoder(recipe, made)._path(records, None, "ecg")

        return Stage("stage_entries:encode", (recipe, checkpoint, records), path)
    asked_as = SimpleNamespace(
        task=question.task, protocol=question.protocol, variant=question.variant
    )
    opened, tested = session.open(question.task.dataset), session.tested(question)
    checkpoint = session.encoder().checkpoint
    return Stage(
        "stage_entries:predict_cell",
        (recipe, checkpoint, asked_as, session.dataset, opened, tested),
        lambda: predictions_code(recipe.info, question.protocol),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "generate",
        "prepare",
        "adapt",
        "pretrain",
        "encode",
        "probe",
        "fine-tune",
        "shift",
        "retrieval",
        "report-generation",
        "score",
    ],
)
def test_each_module_that_a_stage_loads_decides_its_address(
    request_for: Callable[..., Any],
    copy: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    plugins = tmp_path / "plugins"
    shutil.copytree(PLUGINS / "methods", plugins)
    monkeypatch.setattr(methods, "paths", [plugins])
    stage = stages(request_for, name)
    found = loaded(stage, tmp_path)
    assert len(found) > 5
    monkeypatch.setattr(code, "own_packages", lambda: copy)
    code.forget()
    before = stage.address()
    unseen = []
    for module, file in sorted(found.items()):
        place = in_copy(file, copy)
        original = place.read_text()
        try:
            place.write_text(original + "\nCHANGED = 1\n")
            code.forget()
            if stage.address() == before and not left_out(module):
                unseen.append(module)
        finally:
            place.write_text(original)
    code.forget()
    assert not unseen


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    code.forget()


def test_halved_training_rows_of_the_probe_are_run_again(
    request_for: Callable[..., Any], copy: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "own_packages", lambda: copy)
    code.forget()
    request = request_for()
    carry_out(make_plan(request))
    plan = make_plan(request)
    assert plan.missing == 0
    checkpoint = plan.planned[0].session.recipe.address
    probe = copy["ecgbench.tasks"] / "protocols" / "linear_probe" / "linear_probe.py"
    line = "chosen = fraction_rows(train.values, "
    edit(probe, line, line.replace("chosen", "chosen = halved"))
    again = make_plan(request)
    assert again.missing == again.cells
    assert again.planned[0].session.recipe.address == checkpoint
    edit(probe, "chosen = halved = ", "chosen = ")
    assert make_plan(request).missing == 0


def test_another_order_of_the_band_pass_makes_another_checkpoint(
    request_for: Callable[..., Any], copy: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "own_packages", lambda: copy)
    code.forget()
    recipe = make_plan(request_for()).planned[0].session.recipe
    (dataset,) = recipe.datasets
    before = recipe.address, _wish(dataset, SignalSpec(), None, None)
    edit(copy["ecgbench"] / "data" / "signals.py", "_ORDER = 4", "_ORDER = 2")
    after = recipe.address, _wish(dataset, SignalSpec(), None, None)
    edit(copy["ecgbench"] / "data" / "signals.py", "_ORDER = 2", "_ORDER = 4")
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert recipe.address == before[0]
