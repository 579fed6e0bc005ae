"""`ecgbench new`: create a working template."""

from __future__ import annotations

import re
from pathlib import Path

from ecgbench.base.errors import EcgbenchError
from ecgbench.base.paths import atomic_write

TEMPLATES = Path(__file__).parent / "templates"
METHOD = {
    "config.yaml": "method_config.yaml.j2",
    "settings.py": "method_settings.py.j2",
    "model.py": "method_model.py.j2",
    "README.md": "method_card.md.j2",
    "__init__.py": "init.py.j2",
}
PACKAGE = {
    "pyproject.toml": "package_pyproject.toml.j2",
    "README.md": "package_readme.md.j2",
    "tests/test_{name}.py": "method_test.py.j2",
}


def new_method(name: str, into: Path, *, package: bool = False) -> list[Path]:
    """Write a method's folder, or a package that holds one.

    Args:
        name: Lower-case letters, digits and ``_``.
        into: Folder that gets a folder of this name.
        package: Whether to make an installable package with an entry point.

    Returns:
        The files written.

    Raises:
        EcgbenchError: The name is invalid or taken, or the folder is there already.
    """
    _check_name(name, r"[a-z][a-z0-9_]*", "lower-case letters, digits and _")
    _check_free("method", name)
    target = _free_folder(into / name)
    if not package:
        files = {**METHOD, f"test_{name}.py": "method_test.py.j2"}
        return _write(target, files, name, beside="")
    inner = {f"src/{name}/{file}": template for file, template in METHOD.items()}
    beside = f'.parent / "src" / "{name}"'
    return _write(target, {**PACKAGE, **inner}, name, beside=beside)


def new_task(name: str, into: Path, *, dataset: str, labels: str) -> list[Path]:
    """Write a task: one YAML file.

    Raises:
        EcgbenchError: The name is invalid or taken, or the file is there already.
    """
    _check_name(name, r"[a-z0-9][a-z0-9-]*", "lower-case letters, digits and -")
    _check_free("task", name)
    path = into / f"{name}.yaml"
    if path.exists():
        raise EcgbenchError(f"{path} is there already.", "Choose another name or folder.")
    return _write(into, {path.name: "task.yaml.j2"}, name, dataset=dataset, labels=labels)


def new_dataset(name: str, into: Path) -> list[Path]:
    """Write a data set's folder: a YAML file and the head of its table of records.

    Raises:
        EcgbenchError: The name is invalid or taken, or the folder is there already.
    """
    _check_name(name, r"[a-z0-9][a-z0-9-]*", "lower-case letters, digits and -")
    _check_free("data set", name)
    files = {
        f"{name}.yaml": "dataset.yaml.j2",
        "records.csv": "records.csv.j2",
        "README.md": "dataset_readme.md.j2",
    }
    return _write(_free_folder(into / name), files, name)


def _write(target: Path, files: dict[str, str], name: str, **values: str) -> list[Path]:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # no HTML is written, and the name was checked
    )
    known = {
        "name": name,
        "title": re.sub("[_-]", " ", name).capitalize(),
        "kind": _class_name(name),
    }
    written = []
    for file, template in files.items():
        path = target / file.format(name=name)
        atomic_write(path, templates.get_template(template).render(**known, **values))
        written.append(path)
    return written


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in re.split(r"[_-]", name))


def _check_name(name: str, pattern: str, allowed: str) -> None:
    if not re.fullmatch(pattern, name) or len(name) > 60:
        raise EcgbenchError(f"{name!r} cannot be a name.", f"Use {allowed}, at most 60.")


def _check_free(kind: str, name: str) -> None:
    from ecgbench.authoring.registries import all_registries

    for registry in all_registries().values():
        if registry.kind == kind and name in registry.entries():
            raise EcgbenchError(
                f"There is a {kind} named {name!r} already.", "Choose another name."
            )


def _free_folder(folder: Path) -> Path:
    if folder.exists() and any(folder.iterdir()):
        raise EcgbenchError(f"{folder} is there already.", "Choose another name or folder.")
    return folder
