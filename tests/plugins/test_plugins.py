"""Descriptions of plug-ins, and messages about broken plug-ins."""

from __future__ import annotations

import dataclasses
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from ecgbench.authoring.registries import all_registries
from ecgbench.base.errors import PluginError
from ecgbench.data.merl import LABEL_SETS
from ecgbench.plugins.catalogue import methods, protocols, tasks
from ecgbench.plugins.importing import load_object
from ecgbench.plugins.specs import MethodInfo, read_yaml
from ecgbench.probe import grid
from ecgbench.runs.plan import questions

GOOD = """
name: mine
title: Mine
model: model:Mine
summary: One line
family: baseline
licence: MIT
"""


@pytest.mark.parametrize("kind", ["methods", "tasks", "protocols", "datasets"])
def test_nothing_that_ships_is_broken(kind: str) -> None:
    entries = all_registries()[kind].entries()
    assert entries
    assert {name: e.problem for name, e in entries.items() if e.problem} == {}


@pytest.mark.parametrize("name", methods.names())
def test_every_method_has_a_card_and_loads(name: str) -> None:
    from ecgbench.method import Method

    info = methods.get(name)
    assert (info.folder / "README.md").is_file()
    assert issubclass(load_object(info.model, info.folder), Method)


@pytest.mark.parametrize("name", protocols.names())
def test_every_protocol_loads(name: str) -> None:
    from ecgbench.protocol import Protocol

    spec = protocols.get(name)
    assert issubclass(load_object(spec.entry, spec.folder), Protocol)


def test_every_task_names_what_exists() -> None:
    datasets = all_registries()["datasets"]
    for name in tasks.names():
        task = tasks.get(name)
        assert name.startswith(task.dataset), "a task's name carries its data set's"
        for dataset, labels in (
            (task.dataset, task.labels),
            (task.trained_on.dataset, task.trained_on.labels),
        ):
            in_files = labels.startswith(LABEL_SETS)  # that the user brings
            assert in_files or labels in datasets.get(dataset).label_sets
        assert questions([name])


LIMITED = """
from typing import Annotated
from pydantic import Field
from ecgbench.config.settings import Settings
class S(Settings):
    width: Annotated[int, Field(ge=1)]
class Mine: pass
"""


@pytest.mark.parametrize(
    ("config", "code", "problem"),
    [
        (GOOD + "stepz: 3\n", "class Mine: pass", "stepz: extra inputs are not permitted"),
        (GOOD.replace("licence: MIT", ""), "class Mine: pass", "licence: field required"),
        (
            GOOD + "config: {pretrain: {stepz: 8}}\n",
            "class Mine: pass",
            "Unknown key 'pretrain.stepz' (config of mine). Did you mean 'pretrain.steps'",
        ),
        (
            GOOD + "profiles: {demo: {signal: {rate: 0}}}\n",
            "class Mine: pass",
            "signal.rate cannot be 0: it takes at least 10 (profile demo of mine).",
        ),
        (
            GOOD + "config: {model: {width: 8}}\nprofiles: {mini: {model: {width: wide}}}\n",
            "class Mine: pass",
            "model.width cannot be 'wide': it takes a whole number (profile mini of mine).",
        ),
        (
            GOOD + "config: {model: {two words: 8}}\n",
            "class Mine: pass",
            "'two words' cannot be the name of a setting",
        ),
        (GOOD + "settings: settings:S\n", "class Mine: pass", "settings.py is missing"),
        (
            GOOD + "settings: model:Mine\n",
            "class Mine: pass",
            "model:Mine is no class of ecgbench.config.settings.Settings",
        ),
        (
            GOOD + "settings: model:S\nconfig: {model: {width: 0}}\n",
            LIMITED,
            "model.width cannot be 0: it takes at least 1 (config of mine).",
        ),
        (GOOD + "settings: model:S\n", LIMITED, "model.width has no value"),
        (": :\n\t", "class Mine: pass", "config.yaml cannot be read"),
        ("[1, 2]", "class Mine: pass", "holds no mapping"),
        (GOOD, None, "model.py is missing"),
        (GOOD, "class Other: pass", "model.py defines no Mine"),
        (GOOD, "class Mine(:", "model.py cannot be parsed"),
        (GOOD, "import nowhere_at_all\nclass Mine: pass", "imports 'nowhere_at_all', which is not"),
    ],
)
def test_a_broken_method_is_listed_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, code: str | None, problem: str
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.yaml").write_text(config)
    if code is not None:
        (folder / "model.py").write_text(code)
    monkeypatch.setattr(methods, "paths", [tmp_path])
    entry = methods.entry("mine")
    assert entry.problem is not None
    assert problem in entry.problem
    assert "mae" in methods.names()


def test_code_that_fails_when_imported_says_why(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("raise RuntimeError('no licence key')")
    with pytest.raises(PluginError, match="RuntimeError: no licence key"):
        load_object("model:Mine", tmp_path)


def test_a_folder_anywhere_may_hold_several_modules(tmp_path: Path) -> None:
    folder = tmp_path / "my-method"
    folder.mkdir()
    (folder / "model.py").write_text("from .blocks import WIDTH\nclass Mine:\n    width = WIDTH\n")
    (folder / "blocks.py").write_text("WIDTH = 7\n")
    assert load_object("model:Mine", folder).width == 7


def test_two_folders_of_one_name_do_not_mix(tmp_path: Path) -> None:
    for parent, value in (("a", 1), ("b", 2)):
        folder = tmp_path / parent / "mine"
        folder.mkdir(parents=True)
        (folder / "model.py").write_text(f"class Mine:\n    value = {value}\n")
    values = [load_object("model:Mine", tmp_path / p / "mine").value for p in ("a", "b")]
    assert values == [1, 2]


def test_the_fingerprint_is_of_what_decides() -> None:
    spec = protocols.get("fine-tune")

    def changed(**update: object) -> str:
        return spec.model_copy(update=update).fingerprint()

    assert changed(title="Another title") == spec.fingerprint()
    assert changed(version=spec.version + 1) != spec.fingerprint()
    half = {**spec.variants, "1%": {"fraction": 0.02, "draws": 5}}
    assert changed(variants=half) != spec.fingerprint()
    written_out = {**spec.variants, "100%": {"fraction": 1.0, "draws": 1, "tested": "target"}}
    assert changed(variants=written_out) == spec.fingerprint(), "a default says nothing new"
    assert changed(params={"fraction": 0.5}) == spec.fingerprint(), "no variant takes it"


PROBES = ["linear-probe", "shuffled-labels", "corruption", "lead-loss", "population", "transfer"]


@pytest.mark.parametrize("name", PROBES)
def test_the_grid_of_the_probe_stands_once_and_in_every_fingerprint(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = protocols.get(name)
    assert all(spec.of(variant).grid is grid.GRID for variant in spec.variants)
    with pytest.raises(ValidationError, match="Unknown key 'grid'"):
        spec.model_copy(update={"params": {"grid": {"Cs": [1.0]}}})
    monkeypatch.setattr(grid, "GRID", grid.ProbeGrid(Cs=(1.0,)))
    assert spec.model_copy().fingerprint() != spec.fingerprint()


def test_a_protocol_and_a_configuration_survive_a_process() -> None:
    spec = protocols.get("report-generation")
    again = pickle.loads(pickle.dumps(spec))
    assert again == spec
    assert again.of("greedy") == spec.of("greedy")
    assert again.fingerprint() == spec.fingerprint()


def test_a_shift_has_the_probe_of_all_training_records() -> None:
    for name in PROBES[2:]:
        spec = protocols.get(name)
        assert {spec.of(variant).fraction for variant in spec.variants} == {1.0}
        with pytest.raises(ValidationError, match="Unknown key 'fraction'"):
            spec.model_copy(update={"params": {"fraction": 0.5}})


@pytest.mark.parametrize(
    ("name", "params", "variant", "said"),
    [
        ("linear-probe", {}, {"fractoin": 0.1}, "Unknown key 'fractoin'. Did you mean 'fraction'?"),
        ("linear-probe", {}, {"fraction": 0}, "fraction cannot be 0: it takes more than 0"),
        ("linear-probe", {}, {}, "fraction has no value"),
        ("fine-tune", {"draws": True}, {"fraction": 0.1}, "draws cannot be True: it takes a whole"),
        ("corruption", {}, {"noise": "musle-noise", "snr_db": 6}, "Did you mean 'muscle-noise'?"),
        ("corruption", {}, {"noise": "muscle-noise"}, "snr_db is given with noise"),
        ("corruption", {}, {"lost": 1.0}, "lost cannot be 1: it takes less than 1"),
        ("corruption", {}, {"lost": 0.5, "gain_error": 0.1}, "cannot be set together with lost"),
        ("lead-loss", {}, {"leads": ["I", "avR"]}, "leads cannot be 'avR': it takes 'I', 'II'"),
        ("lead-loss", {}, {"leads": []}, "leads cannot be []"),
        ("population", {}, {"only": {"age": [50, 0]}}, "only.age cannot be [50, 0]"),
        ("transfer", {}, {"tested": "home"}, "tested cannot be 'home': it takes 'target' or"),
        ("zero-shot", {}, {"language": "English"}, "language cannot be 'English'"),
        ("retrieval", {"alignment": {"penalties": []}}, {}, "alignment.penalties cannot be []"),
        ("merl-linear-probe", {"lr": -1.0}, {"fraction": 1.0, "epoch": "last"}, "lr cannot be -1"),
        (
            "report-generation",
            {"lm": {"source": None, "widht": 3}},
            {"answer": "signal"},
            "lm",
        ),
        (
            "report-generation-smollm2",
            {"training": {"epochs": 0}},
            {"answer": "signal"},
            "training.epochs cannot be 0: it takes at least 1",
        ),
    ],
)
def test_a_protocol_with_a_wrong_setting_is_broken_when_it_is_read(
    name: str,
    params: dict[str, object],
    variant: dict[str, object],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = protocols.get(name)
    folder = tmp_path / "protocols/broken"
    shutil.copytree(spec.folder, folder)
    content = read_yaml(spec.folder / f"{name}.yaml")
    for file in folder.glob("*.yaml"):
        file.unlink()
    broken = {**content, "name": "broken", "params": {**content.get("params", {}), **params}}
    broken["variants"] = {"one": variant}
    (folder / "broken.yaml").write_text(yaml.safe_dump(broken))
    registry = dataclasses.replace(protocols, paths=[tmp_path])
    entry = registry.entry("broken")
    assert entry.problem is not None
    assert said in entry.problem
    assert "variant one" in entry.problem
    assert "\n" not in entry.problem
    assert name in registry.names(), "a broken protocol spoils no other"


def test_metadata_is_read_without_torch() -> None:
    code = (
        "import sys\n"
        "from ecgbench.authoring.registries import all_registries\n"
        "for registry in all_registries().values(): registry.entries()\n"
        "heavy = {'torch', 'lightning', 'transformers', 'sklearn', 'wfdb', 'pandas', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_method_info_is_frozen(tmp_path: Path) -> None:
    info = methods.get("mae")
    assert isinstance(info, MethodInfo)
    with pytest.raises(ValueError, match="frozen"):
        info.name = "other"  # type: ignore[misc]
