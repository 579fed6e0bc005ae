"""Laws of the one registry, on a kind of thing made for the test."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from ecgbench.base.errors import PluginError, UnknownNameError
from ecgbench.plugins.registry import Registry


def _load(path: Path) -> tuple[str, str]:
    text = path.read_text()
    if "broken" in text:
        raise RuntimeError("no such module: tensorflow")
    return path.stem, text


def _registry(folder: Path) -> Registry[str]:
    return Registry("fruit", "ecgbench.fruits", folder, lambda f: sorted(f.glob("*.yaml")), _load)


@pytest.fixture
def fruits(tmp_path: Path) -> Registry[str]:
    folder = tmp_path / "builtin"
    folder.mkdir()
    (folder / "apple.yaml").write_text("a")
    (folder / "pear.yaml").write_text("p")
    return _registry(folder)


def test_names_are_sorted_and_values_are_read(fruits: Registry[str]) -> None:
    assert fruits.names() == ["apple", "pear"]
    assert fruits.get("pear") == "p"
    assert fruits.entry("pear").origin == "built-in"


def test_an_unknown_name_says_the_nearest(fruits: Registry[str]) -> None:
    with pytest.raises(UnknownNameError, match="Unknown fruit 'aple'") as caught:
        fruits.get("aple")
    assert (caught.value.hint or "").startswith("Did you mean 'apple'")


def test_a_broken_plugin_is_listed_with_its_reason_and_spoils_nothing(
    fruits: Registry[str],
) -> None:
    (fruits.builtin / "kiwi.yaml").write_text("broken")
    assert fruits.names() == ["apple", "pear"]
    assert fruits.entries()["kiwi"].problem == "RuntimeError: no such module: tensorflow"
    with pytest.raises(PluginError, match="cannot be used: RuntimeError: no such module"):
        fruits.get("kiwi")


def test_two_plugins_of_one_name_are_an_error_that_names_both(
    fruits: Registry[str], tmp_path: Path
) -> None:
    other = tmp_path / "mine"
    other.mkdir()
    (other / "apple.yaml").write_text("another")
    fruits.add_path(other)
    with pytest.raises(PluginError, match=r"builtin/apple.yaml and .*mine/apple.yaml"):
        fruits.names()


def test_a_folder_named_twice_is_one_folder(fruits: Registry[str], tmp_path: Path) -> None:
    other = tmp_path / "mine"
    other.mkdir()
    (other / "plum.yaml").write_text("x")
    fruits.add_path(other)
    fruits.add_path(other)
    assert fruits.get("plum") == "x"


def test_an_empty_or_missing_folder_is_an_error(fruits: Registry[str], tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="There is no folder"):
        fruits.add_path(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PluginError, match="No fruit in"):
        fruits.add_path(tmp_path / "empty")


def test_the_environment_names_folders_too(
    fruits: Registry[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "env"
    folder.mkdir()
    (folder / "fig.yaml").write_text("f")
    monkeypatch.setenv("ECGBENCH_FRUITS_PATH", str(folder))
    assert fruits.entry("fig").origin == f"path {folder}"


def test_entry_points_are_found_without_importing_their_package(
    fruits: Registry[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "stranger"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "mango.yaml").write_text("m")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    points = [
        importlib.metadata.EntryPoint("mango", "stranger", "ecgbench.fruits"),
        importlib.metadata.EntryPoint("gone", "not_installed_at_all", "ecgbench.fruits"),
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
    assert fruits.get("mango") == "m"
    assert fruits.entries()["gone"].problem == "no fruit found in 'not_installed_at_all'"
