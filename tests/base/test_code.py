"""Addresses of code: each changed line of an imported module counts, and nothing else."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecgbench.base import code
from ecgbench.base.code import LEFT_OUT, code_address, code_behind, left_out, own_packages
from ecgbench.plugins.importing import code_of


@pytest.fixture(autouse=True)
def sources_are_read_again() -> Iterator[None]:
    code.forget()
    yield
    code.forget()


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of ecgbench's sources that addresses are taken from."""
    roots = {}
    for name, folder in own_packages().items():
        roots[name] = tmp_path / "copy" / name
        shutil.copytree(folder, roots[name], ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "own_packages", lambda: roots)
    code.forget()
    return tmp_path / "copy" / "ecgbench"


def write(folder: Path, **files: str) -> Path:
    """A package: ``a__b="x = 1"`` is the module ``a/b.py``."""
    for name, text in files.items():
        path = folder.joinpath(*name.split("__"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f"{path.name}.py").write_text(text)
    code.forget()
    return folder


def address(folder: Path) -> str:
    return code_address("plugin.model", packages={"plugin": folder})


PLAIN = "def f(x):\n    return x + 1\n"


@pytest.mark.parametrize(
    "other",
    [
        '"""Doc."""\ndef f(x):  # why\n    """Doc."""\n\n    return (x + 1)\n',
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import ecgbench.nn.losses\n"
        + PLAIN,
    ],
)
def test_comments_docstrings_layout_and_types_do_not_count(tmp_path: Path, other: str) -> None:
    start = "from typing import TYPE_CHECKING\n" if "TYPE_CHECKING" in other else ""
    plain = address(write(tmp_path, model=start + PLAIN))
    assert address(write(tmp_path, model=other)) == plain
    assert address(write(tmp_path, model=other.replace("x + 1", "x + 2"))) != plain
    assert address(write(tmp_path, model=other.replace("x + 1", "x - 1"))) != plain


@pytest.mark.parametrize(
    "line",
    [
        "import ecgbench.nn.losses",
        "import ecgbench.nn.losses as known",
        "from ecgbench.nn import losses",
        "from ecgbench.nn.losses import masked_mse",
        "from ecgbench.nn.losses import *",
        "def f():\n    from ecgbench.nn.losses import masked_mse",
        "try:\n    from ecgbench.nn.losses import masked_mse\nexcept ImportError:\n    pass",
        "from .side import x",
        "from . import side",
        "from .inner.deep import x",
    ],
)
def test_a_changed_block_counts_however_it_is_imported(
    tmp_path: Path, copy: Path, line: str
) -> None:
    other = {
        "side": "from ecgbench.nn.losses import masked_mse",
        "inner__deep": "from ..side import masked_mse",
    }
    folder = write(tmp_path / "own", model=line, **other)
    before = address(folder)
    (copy / "nn" / "losses.py").write_text("x = 1\n")
    code.forget()
    assert address(folder) != before


def test_the_init_files_of_packages_count(tmp_path: Path) -> None:
    folder = write(tmp_path, model="from .inner.deep import x", inner__deep="x = 1")
    before = address(folder)
    (folder / "inner" / "__init__.py").write_text("from ..side import y\n")
    with_init = address(write(folder, side="y = 1"))
    assert with_init != before
    before = with_init
    assert address(write(folder, side="y = 2")) != before


def test_a_block_that_is_not_imported_does_not_count(tmp_path: Path, copy: Path) -> None:
    folder = write(tmp_path / "own", model="from ecgbench.nn.losses import masked_mse")
    before = address(folder)
    (copy / "nn" / "masking.py").write_text("x = 1\n")
    (copy / "cli" / "app.py").write_text("x = 1\n")
    (copy / "base" / "errors.py").write_text("x = 1\n")  # on the list
    code.forget()
    assert address(folder) == before


def test_a_methods_own_module_does_not_hide_one_of_ours(tmp_path: Path, copy: Path) -> None:
    folder = write(
        tmp_path / "own",
        model="from ecgbench.nn.losses import a\nfrom .nn.losses import b\n",
        nn__losses="b = 1\n",
    )
    before = code_of(folder, "model:Own")
    (copy / "nn" / "losses.py").write_text("a = 2\n")
    code.forget()
    ours = code_of(folder, "model:Own")
    write(folder, nn__losses="b = 2\n")
    assert len({before, ours, code_of(folder, "model:Own")}) == 3


def test_a_plugin_has_the_same_address_wherever_it_lies(tmp_path: Path) -> None:
    one, other = (
        write(tmp_path / name / "own", model="from .side import x", side="x = 1") for name in "ab"
    )
    assert code_of(one, "model:Own") == code_of(other, "model:Own")


def test_a_broken_module_of_an_author_has_an_address(tmp_path: Path) -> None:
    folder = write(tmp_path, model="from .side import x", side="def")
    before = address(folder)
    assert address(write(folder, side="def f")) != before
    assert code_of(folder, "no.such.module:Own") != code_of(folder, "no.other.module:Own")


@pytest.mark.parametrize(
    ("name", "same", "changed"),
    [
        ("table.yaml", "# why\na:   1\n", "a: 2\n"),
        ("table.json", '{\n "a": 1}', '{"a": 2}'),
        ("table.csv", "a: 1\n", "a: 2\n"),
    ],
)
def test_a_data_file_beside_the_module_counts_by_its_content(
    tmp_path: Path, name: str, same: str, changed: str
) -> None:
    folder = write(tmp_path, model=f"T = Path(__file__).with_name({name!r})")
    (folder / name).write_text('{"a": 1}' if name.endswith("json") else "a: 1\n")
    before = address(folder)
    (folder / name).write_text(same)
    (folder / "unread.yaml").write_text("x: 1")
    code.forget()
    assert address(folder) == before
    (folder / name).write_text(changed)
    code.forget()
    assert address(folder) != before


def test_the_simulator_is_addressed_by_the_modules_that_write_records() -> None:
    found = code_behind("ecgbench.simulated.corpus")
    assert "ecgbench.simulated.chambers" in found  # imported by way of morphology
    assert "ecgbench.simulated.plots" not in found


def test_each_module_that_is_left_out_exists_and_has_a_reason() -> None:
    for name, reason in LEFT_OUT.items():
        assert importlib.util.find_spec(name.removesuffix(".*")) is not None, name
        assert len(reason.split()) > 2
        assert left_out(name.removesuffix(".*")) == reason
    assert left_out("ecgbench.plugins.specs")
    assert left_out("ecgbench.nn.losses") is None
    assert left_out("ecgbench.protocol") is None


def test_an_unknown_entry_is_refused() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such"):
        code_address("ecgbench.no_such")


def test_a_process_keeps_the_address_of_the_code_that_it_started_with(tmp_path: Path) -> None:
    folder = write(tmp_path, model=PLAIN)
    before = address(folder)
    (folder / "model.py").write_text("x = 1\n")
    assert address(folder) == before
    code.forget()
    assert address(folder) != before
