"""What plug-ins say of themselves, and what is said of broken ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ecgbench.base.errors import PluginError
from ecgbench.data.merl import LABEL_SETS
from ecgbench.plugins.catalogue import all_registries, methods, protocols, tasks
from ecgbench.plugins.importing import load_object
from ecgbench.plugins.specs import MethodInfo, ProtocolSpec
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


@pytest.mark.parametrize(
    ("config", "code", "problem"),
    [
        (GOOD + "stepz: 3\n", "class Mine: pass", "stepz: extra inputs are not permitted"),
        (GOOD.replace("licence: MIT", ""), "class Mine: pass", "licence: field required"),
        (
            GOOD + "config: {model: {width: 8}}\nallowed: {model.widht: {min: 1}}\n",
            "class Mine: pass",
            "allowed names 'model.widht', no setting of config. did you mean 'model.width'?",
        ),
        (
            GOOD + "config: {model: {width: 8}}\nallowed: {model.width: {least: 1}}\n",
            "class Mine: pass",
            "least: extra inputs are not permitted",
        ),
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
    spec = protocols.get("linear-probe")

    def changed(**update: object) -> str:
        return ProtocolSpec(**{**spec.model_dump(), "folder": spec.folder, **update}).fingerprint()

    assert changed(title="Another title") == spec.fingerprint()
    assert changed(params={**spec.params, "Cs": [1.0]}) != spec.fingerprint()
    assert changed(version=spec.version + 1) != spec.fingerprint()


def test_metadata_is_read_without_torch() -> None:
    code = (
        "import sys\n"
        "from ecgbench.plugins.catalogue import all_registries\n"
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
