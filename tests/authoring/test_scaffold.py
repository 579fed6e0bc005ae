from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgbench.authoring.scaffold import new_dataset, new_method, new_task
from ecgbench.base.errors import EcgbenchError
from ecgbench.cli.authoring import new
from ecgbench.plugins.catalogue import methods, tasks


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry as it was, after a test that adds to it."""
    monkeypatch.setattr(methods, "paths", list(methods.paths))


@pytest.mark.slow
@pytest.mark.parametrize("package", [False, True])
def test_a_new_method_passes_its_own_tests(tmp_path: Path, package: bool) -> None:
    new_method("first_try", tmp_path, package=package)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout
    assert "skipped" in done.stdout  # the text tower's law does not apply


def test_its_model_is_some_twenty_lines(tmp_path: Path) -> None:
    new_method("first_try", tmp_path)
    code = (tmp_path / "first_try/model.py").read_text()
    kind = next(node for node in ast.parse(code).body if isinstance(node, ast.ClassDef))
    statements = [n for n in ast.walk(kind) if isinstance(n, ast.stmt)]
    assert len(statements) < 25


def test_a_package_has_an_entry_point_and_the_same_files(tmp_path: Path) -> None:
    written = new_method("first_try", tmp_path, package=True)
    names = {path.relative_to(tmp_path / "first_try").as_posix() for path in written}
    assert names == {
        "pyproject.toml",
        "README.md",
        "tests/test_first_try.py",
        *(
            f"src/first_try/{f}"
            for f in ("config.yaml", "settings.py", "model.py", "README.md", "__init__.py")
        ),
    }
    project = tomllib.loads((tmp_path / "first_try/pyproject.toml").read_text())["project"]
    assert project["entry-points"]["ecgbench.methods"] == {"first_try": "first_try"}


@pytest.mark.parametrize("name", ["", "../up", "a b", "Caps", "1st", "a-b", "x" * 61, "{{7*7}}"])
def test_what_cannot_be_a_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(EcgbenchError, match="cannot be a name"):
        new_method(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path: Path, registry: None) -> None:
    new_method("first_try", tmp_path)
    with pytest.raises(EcgbenchError, match="is there already"):
        new_method("first_try", tmp_path)
    with pytest.raises(EcgbenchError, match="There is a method named 'mae'"):
        new_method("mae", tmp_path)
    new_task("mine", tmp_path, dataset="sim", labels="sub")
    with pytest.raises(EcgbenchError, match="is there already"):
        new_task("mine", tmp_path, dataset="sim", labels="sub")
    with pytest.raises(EcgbenchError, match="There is a task named"):
        new_task("sim-sub", tmp_path, dataset="sim", labels="sub")


def test_a_new_task_is_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_task("sim-of-mine", tmp_path, dataset="sim", labels="rhythm")
    monkeypatch.setenv("ECGBENCH_TASKS_PATH", str(tmp_path))
    assert tasks.get("sim-of-mine").labels == "rhythm"


def test_a_new_data_set_is_prepared_and_labelled(
    tmp_path: Path, ecgbench_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ecgbench.data.opening import prepare

    new_dataset("our-clinic", tmp_path)
    folder = tmp_path / "our-clinic"
    rng = np.random.default_rng(0)
    lines = []
    for i in range(12):
        np.save(folder / f"r{i}.npy", rng.normal(0, 0.3, (12, 5000)).astype(np.float32))
        lines.append(f"r{i},r{i}.npy,p{i // 2},50,F,sinus rhythm,{'NORM' if i % 3 else 'MI;CD'}\n")
    with (folder / "records.csv").open("a") as file:
        file.writelines(lines)
    monkeypatch.setenv("ECGBENCH_DATASETS_PATH", str(folder))
    labels = prepare("our-clinic", folder, workers=1).labels("diagnosis")
    assert labels.classes == ("CD", "MI", "NORM")
    assert labels.values.sum(axis=0).tolist() == [4, 4, 8]


def test_the_command_says_what_comes_next(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(new, ["method", "first_try", "--into", str(tmp_path)])
    assert outcome.exit_code == 0, outcome.output
    assert "ecgbench check first_try --methods-path" in outcome.output.replace("\n", "")


def clean_environment(folder: Path) -> Path:
    """A new environment that sees what is installed here, and nothing of this checkout's folder."""
    import sysconfig

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "host.pth").write_text(
        f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n"
    )
    return folder / "bin/python"


def installed(package: Path, folder: Path, ecgbench_home: Path) -> Callable[..., str]:
    """Install a package into a new environment; gives what runs ``ecgbench`` there."""
    source = folder / "package"
    shutil.copytree(package, source)
    python = clean_environment(folder / "env")
    install = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", str(source)]
    subprocess.run([python, *install], check=True, cwd=folder)

    def ecgbench(*words: str) -> str:
        code = "from ecgbench.cli.app import main; main()"
        done = subprocess.run(
            [python, "-c", code, *words], capture_output=True, text=True, cwd=folder, check=False,
            env={**os.environ, "ECGBENCH_HOME": str(ecgbench_home)},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return ecgbench


@pytest.mark.slow
def test_a_third_party_package_stands_in_a_table_with_no_file_of_ours_touched(
    tmp_path: Path, project_root: Path
) -> None:
    home = Path(os.environ.get("ECGBENCH_TEST_HOME", tmp_path / "home"))
    ecgbench = installed(project_root / "tests/authoring/example_package", tmp_path, home)
    assert "package mean-pool" in ecgbench("list", "methods")
    assert "keeps every law" in ecgbench("check", "mean_pool")
    question = "sim-super/linear-probe@1%"
    run = ["run", "--methods", "mean_pool", "--tasks", question, "--profile", "demo"]
    shown = ecgbench(*run, "--out", "results", "pretrain.steps=5")
    assert "Mean pool" in shown
    assert "SIMULATED" in shown


@pytest.mark.slow
def test_a_third_partys_data_set_and_task_stand_in_a_table(
    tmp_path: Path, project_root: Path
) -> None:
    package = project_root / "tests/authoring/example_data_package"
    ecgbench = installed(package, tmp_path, tmp_path / "home")
    assert "package our-clinic" in ecgbench("list", "datasets")
    assert "package our-clinic" in ecgbench("list", "tasks")
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    rng = np.random.default_rng(0)
    lines = ["record_id,path,patient_id,report,diagnosis\n"]
    for i in range(80):
        signals = rng.normal(0, 0.1 + 0.4 * (i % 2), (12, 1000)).astype(np.float32)
        np.save(recordings / f"r{i}.npy", signals)
        lines.append(f"r{i},r{i}.npy,p{i},sinus rhythm,{'MI' if i % 2 else 'NORM'}\n")
    (recordings / "records.csv").write_text("".join(lines))
    assert "80 of 80 patients" in ecgbench(
        "data", "prepare", "our-clinic", "--source", str(recordings), "--workers", "1"
    )
    question = "our-clinic-diagnosis/linear-probe@100%"
    run = ["run", "--methods", "random_init", "--tasks", question, "--profile", "demo"]
    assert "our-clinic-diagnosis" in ecgbench(*run, "--out", "board/results")
    assert "built" in ecgbench("leaderboard", "build", "board")
    assert "1 scored again, 0 problems" in ecgbench("leaderboard", "verify", "board")
    table = (tmp_path / "board/tables/our-clinic-diagnosis/linear-probe.md").read_text()
    assert "real data" in table
    assert "Random" in table


def test_the_example_package_is_what_the_command_writes(tmp_path: Path, project_root: Path) -> None:
    for path in new_method("mean_pool", tmp_path, package=True):
        relative = path.relative_to(tmp_path / "mean_pool")
        example = project_root / "tests/authoring/example_package" / relative
        assert example.read_text() == path.read_text(), relative
