"""What methods, protocols and tasks say of themselves, and the registries that hold them.

Everything here is read from YAML and imports nothing heavy. The code that a description points to is
loaded by :func:`load_object`, when it is run.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ecgbench.allowed import Options, flat, names, with_blocks
from ecgbench.errors import PluginError, did_you_mean
from ecgbench.hashing import code_hash, content_hash
from ecgbench.registry import Registry

ROOT = Path(__file__).resolve().parent

Ability = Literal["ecg", "tokens", "text"]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Field(exclude=True)


class Paper(BaseModel):
    """Where a method was published."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    url: str
    year: int


class MethodInfo(_Spec):
    """A method's ``config.yaml``.

    Attributes:
        name: Registered name, as typed after ``--methods``.
        title: What tables call it.
        version: Raised when its results change on purpose.
        model: ``module:Class`` of its :class:`ecgbench.method.Method`, the module relative to the folder.
        summary: One line.
        family: What it is compared as.
        licence: SPDX name of the code (and of the weights, where it brings some).
        paper: Where it was published.
        encodes: What it can encode: ``ecg`` (one vector a record), ``tokens`` (several), ``text``
            (text in the space of its ECG embedding, so that zero-shot is possible).
        reports: Whether pre-training uses reports: ``none``, ``some`` (records without one are used
            too) or ``all`` (only records that have one are used).
        pretrained_on: Data sets that weights which it brings along have seen.
        protocols: The only protocols that it takes part in; empty for all that it can.
        feature_names: ``module:function`` that names what ``encode_ecg`` gives, for the names of the leads;
            `ecgbench inspect` then shows what a probe weighs. None where features have no names.
        on_request: Whether ``--methods all`` leaves it out, for it needs what only its user has.
        config: Its part of the configuration (sections of :mod:`ecgbench.config`).
        profiles: Changes to ``config`` by profile name.
        allowed: What settings of its section ``model`` may be, by dotted key: see :mod:`ecgbench.allowed`.
            It decides what is refused and no result, so it enters no hash.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=60)
    title: str
    version: int = 1
    model: str = Field(pattern=r"^[\w.]+:\w+$")
    summary: str
    family: Literal["baseline", "self-supervised", "ecg-text"]
    licence: str
    paper: Paper | None = None
    encodes: tuple[Ability, ...] = ("ecg",)
    reports: Literal["none", "some", "all"] = "none"
    pretrained_on: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    feature_names: str | None = Field(None, pattern=r"^[\w.]+:\w+$")
    on_request: bool = False
    config: dict[str, Any] = {}
    profiles: dict[str, dict[str, Any]] = {}
    allowed: dict[str, Options] = {}

    @field_validator("allowed", mode="before")
    @classmethod
    def _with_blocks(cls, given: Any, info: ValidationInfo) -> Any:
        if not isinstance(given, dict):
            return given
        return with_blocks(given, _settings(info.data.get("config", {})))

    @model_validator(mode="after")
    def _allows_what_it_has(self) -> MethodInfo:
        known = _settings(self.config)
        for name in names(self.allowed):
            if name not in known:
                raise ValueError(
                    f"allowed names {name!r}, no setting of config. {did_you_mean(name, known)}"
                )
        return self

    def code_hash(self) -> str:
        """Hash of the method's own code and of the shared blocks that it imports."""
        return code_hash([self.folder])


def _settings(config: Mapping[str, Any]) -> list[str]:
    """Dotted keys of the section ``model``."""
    return [key for key, _ in flat({"model": config.get("model", {})})]


class ProtocolSpec(_Spec):
    """How a question is put: a file in ``tasks/protocols``.

    Attributes:
        name: As typed in ``TASK/PROTOCOL@VARIANT``.
        title: What tables call it.
        version: Raised when figures change on purpose.
        track: Tables never mix tracks.
        entry: ``module:Class`` of its :class:`ecgbench.protocol.Protocol`.
        requires: What a method must encode to take part.
        predicts: ``scores`` (one a class), ``texts``, or ``ranks``.
        chance: For a control: what its leading figure is when nothing leaks, e.g. 0.5 for AUROC. Its
            tables rank nobody.
        variants: Settings by variant name, e.g. ``"1%": {fraction: 0.01, draws: 5}``. ``only`` among them
            names a group of test records, by column of the records: ``{sex: female}``, ``{age: [0, 50]}``
            (from 0, below 50). ``tested: source`` puts a task with a ``source`` to the source's own test
            records: see :meth:`TaskSpec.under`.
        params: Settings of the protocol, all of them part of its fingerprint.
        sections: Of the configuration, those that decide its figures beside ``signal``, ``model`` and
            ``pretrain``.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    version: int = 1
    track: str = "standard"
    entry: str = Field(pattern=r"^[\w.]+:\w+$")
    requires: tuple[Ability, ...] = ("ecg",)
    predicts: Literal["scores", "texts", "ranks"] = "scores"
    chance: float | None = None
    variants: dict[str, dict[str, Any]]
    params: dict[str, Any] = {}
    sections: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Hash of everything that decides how the question is put."""
        return content_hash(self.model_dump(mode="json", exclude={"title", "entry", "chance"}))

    def declines(self, method: MethodInfo) -> str | None:
        """Why a method cannot take part, by what both say of themselves; None where it can."""
        if method.protocols and self.name not in method.protocols:
            return f"{method.name} takes part in {', '.join(method.protocols)} only"
        missing = [ability for ability in self.requires if ability not in method.encodes]
        return f"{method.name} does not encode {' and '.join(missing)}" if missing else None

    def only(self, variant: str) -> dict[str, Any]:
        """The group of test records that a variant is about; empty for all."""
        return dict(self.variants[variant].get("only", {}))

    def draws(self, variant: str) -> int:
        """How many draws of the training records a variant takes."""
        return int(self.variants[variant].get("draws", 1))


class SourceSpec(BaseModel):
    """What a task is trained on, where that is another data set than it is tested on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    labels: str


class TaskSpec(_Spec):
    """A question put to a method: a label set of a data set, a file in ``tasks``.

    Attributes:
        name: Carries the data set's name, so that a figure cannot be mistaken for another's.
        title: What tables call it.
        version: Raised when its records, splits or labels change on purpose.
        dataset: Name in the data catalogue; its test records are predicted.
        labels: Label set of the data set.
        protocols: Protocols that it is put with: a name, or ``NAME@VARIANT`` for one variant only.
        source: For a shift from one data set to another: where training and validation records are.
        mapping: Then the classes of the source that are scored, each with those of ``labels`` that make
            it: a record has the class where it has any of them.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    version: int = 1
    dataset: str
    labels: str
    protocols: tuple[str, ...]
    source: SourceSpec | None = None
    mapping: dict[str, tuple[str, ...]] = {}

    @model_validator(mode="after")
    def _coherent(self) -> TaskSpec:
        if (self.source is None) != (not self.mapping):
            raise ValueError("a task has a source and a mapping of its classes, or neither")
        return self

    @property
    def trained_on(self) -> SourceSpec:
        """Data set and label set of its training records."""
        return self.source or SourceSpec(dataset=self.dataset, labels=self.labels)

    def under(self, settings: Mapping[str, Any]) -> TaskSpec:
        """The task under a variant's settings: ``tested: source`` asks for the same classes at home.

        What is trained stays as it is; the test records and their labels become those of the source,
        so that there is a figure to count the drop on ``dataset`` from.
        """
        if self.source is None or settings.get("tested") != "source":
            return self
        at_home = {name: (name,) for name in self.mapping}
        tested = {"dataset": self.source.dataset, "labels": self.source.labels}
        return self.model_copy(update={**tested, "mapping": at_home})

    def fingerprint(self) -> str:
        """Hash of the specification, protocols aside (each has its own)."""
        unset = set() if self.source else {"source", "mapping"}
        return content_hash(self.model_dump(mode="json", exclude={"title", "protocols", *unset}))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        PluginError: It cannot be read, or is no mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PluginError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(content, dict):
        raise PluginError(f"{path.name} holds no mapping of keys to values.")
    return content


def plain_validation_error(error: ValidationError) -> str:
    """Say in one line what a description lacks."""
    parts = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"]) or "the file"
        parts.append(f"{key}: {item['msg'].lower()}")
    return "; ".join(parts)


def load_object(entry: str, folder: Path) -> Any:
    """Import what ``module:Name`` points to.

    Args:
        entry: The module is relative to the folder's package where the folder has such a file, and
            absolute otherwise.
        folder: Folder of the YAML file that holds the entry.

    Raises:
        PluginError: The module or the name cannot be imported; says why.
    """
    module_name, _, name = entry.partition(":")
    try:
        local = folder / (module_name.replace(".", "/") + ".py")
        if local.is_file():
            module = importlib.import_module(f"{_package_of(folder)}.{module_name}")
        else:
            module = importlib.import_module(module_name)
        return getattr(module, name)
    except Exception as error:  # an author's code may fail in any way
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise PluginError(f"{entry} in {folder} cannot be imported: {reason}") from error


def _package_of(folder: Path) -> str:
    """The dotted name that a folder is imported under; a folder of its own gets one made up."""
    for builtin, package in (
        (methods.builtin, "ecgbench.methods"),
        (tasks.builtin, "ecgbench.tasks"),
    ):
        if folder.resolve() == builtin.resolve():
            return package
        if folder.resolve().parent == builtin.resolve():
            return f"{package}.{folder.name}"
    for base in map(Path, sys.path):
        if base.is_dir() and folder.resolve().is_relative_to(base.resolve()):
            name = ".".join(folder.resolve().relative_to(base.resolve()).parts)
            if name.replace(".", "_").isidentifier() and (folder / "__init__.py").is_file():
                return name
    name = (
        f"ecgbench_plugin_{folder.name.replace('-', '_')}_{content_hash(str(folder.resolve()))[:8]}"
    )
    if name not in sys.modules:
        init = folder / "__init__.py"
        spec = importlib.util.spec_from_file_location(
            name, init if init.is_file() else None, submodule_search_locations=[str(folder)]
        ) or importlib.util.spec_from_loader(name, None, is_package=True)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations[:] = [str(folder)]
        module.__path__ = [str(folder)]
        sys.modules[name] = module
        if spec.loader is not None and init.is_file():
            spec.loader.exec_module(module)
    return name


def _check_code(entry: str, folder: Path) -> None:
    """See, without importing, whether a local entry could be imported.

    Raises:
        PluginError: The file is missing or broken, lacks the name, or needs what is not installed.
    """
    module_name, _, name = entry.partition(":")
    file = folder / (module_name.replace(".", "/") + ".py")
    if not file.is_file():
        if "." not in module_name:
            raise PluginError(f"{file.name} is missing.")
        return
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise PluginError(f"{file.name} cannot be parsed: {str(error).splitlines()[0]}") from error
    defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in node.names}
    if name not in defined:
        raise PluginError(f"{file.name} defines no {name}.")
    for needed in _top_level_imports(tree):
        if importlib.util.find_spec(needed) is None:
            raise PluginError(f"{file.name} imports {needed!r}, which is not installed.")


def _top_level_imports(tree: ast.Module) -> Iterable[str]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def _load_method(path: Path) -> tuple[str, MethodInfo]:
    try:
        info = MethodInfo(folder=path.parent, **read_yaml(path))
    except ValidationError as error:
        raise PluginError(f"config.yaml: {plain_validation_error(error)}") from error
    for entry in filter(None, (info.model, info.feature_names)):
        _check_code(entry, path.parent)
    return info.name, info


def _load_protocol(path: Path) -> tuple[str, ProtocolSpec]:
    try:
        spec = ProtocolSpec(folder=path.parent.parent, **read_yaml(path))
    except ValidationError as error:
        raise PluginError(f"{path.name}: {plain_validation_error(error)}") from error
    _check_code(spec.entry, path.parent.parent)
    return spec.name, spec


def _load_task(path: Path) -> tuple[str, TaskSpec]:
    try:
        spec = TaskSpec(folder=path.parent, **read_yaml(path))
    except ValidationError as error:
        raise PluginError(f"{path.name}: {plain_validation_error(error)}") from error
    return spec.name, spec


def _mapped(folder: str) -> Path:
    """The folder of ``ecgbench.methods`` or ``ecgbench.tasks``, in a checkout or installed."""
    spec = importlib.util.find_spec(f"ecgbench.{folder}")
    locations = spec.submodule_search_locations if spec else None
    if not locations:
        raise PluginError(f"ecgbench.{folder} is not installed.", "Install ecgbench-harness again.")
    return Path(next(iter(locations)))


def _find_methods(folder: Path) -> list[Path]:
    own = folder / "config.yaml"
    return [own] if own.is_file() else sorted(folder.glob("*/config.yaml"))


methods: Registry[MethodInfo] = Registry(
    kind="method",
    group="ecgbench.methods",
    builtin=_mapped("methods"),
    find=_find_methods,
    load=_load_method,
    name_of=lambda path: path.parent.name,
)

tasks: Registry[TaskSpec] = Registry(
    kind="task",
    group="ecgbench.tasks",
    builtin=_mapped("tasks"),
    find=lambda folder: sorted(folder.glob("*.yaml")),
    load=_load_task,
)

protocols: Registry[ProtocolSpec] = Registry(
    kind="protocol",
    group="ecgbench.tasks",
    builtin=_mapped("tasks"),
    find=lambda folder: sorted(folder.glob("protocols/*.yaml")),
    load=_load_protocol,
)


@functools.cache
def all_registries() -> dict[str, Registry[Any]]:
    """The registries by the word that the command line uses."""
    from ecgbench.data.spec import datasets

    return {"methods": methods, "tasks": tasks, "protocols": protocols, "datasets": datasets}
