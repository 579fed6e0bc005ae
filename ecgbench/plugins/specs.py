"""Descriptions of methods, protocols and tasks, read from YAML files; imports nothing heavy."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from ecgbench.base.errors import PluginError, did_you_mean
from ecgbench.base.hashing import canonical_json, content_hash
from ecgbench.config.sections import OpenProtocolSettings, ProtocolSettings
from ecgbench.config.settings import Settings, as_dict, inferred, problem_in_one_line
from ecgbench.plugins.importing import load_object
from ecgbench.plugins.published import Published

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
        title: Name in tables.
        version: Raised when the method's results change on purpose.
        model: ``module:Class`` of its :class:`ecgbench.method.Method`, the module relative to the folder.
        summary: One line.
        family: What it is compared as.
        licence: SPDX name of the code (and of the weights, where it brings some).
        paper: Where it was published.
        encodes: What it can encode: ``ecg`` (one vector a record), ``tokens`` (several), ``text``
            (text in the space of its ECG embedding, so that zero-shot is possible).
        reports: Whether pre-training uses reports: ``none``, ``some`` (also records without a report) or
            ``all`` (only records with a report).
        pretrained_on: Pre-training data sets or collections of the weights that the method ships, or
            ``unknown``. For weights of the user, the setting ``model.trained_on`` names them.
        protocols: The only protocols that the method takes part in; empty for all possible protocols.
        feature_names: ``module:function`` that gives the names of the features for the names of the leads.
            `ecgbench inspect` then shows the probe's weights. None for features without names.
        on_request: Whether ``--methods all`` leaves the method out, because it needs the user's own files.
        config: The method's part of the configuration (sections of :mod:`ecgbench.config.effective`).
        profiles: Changes to ``config`` by profile name.
        settings: ``module:Class`` of its :class:`ecgbench.config.settings.Settings`, which defines the
            section ``model``. Without a class each value of ``config.model`` keeps its type.
        published: Facts of weights that others published. Such a method has one input: the section
            ``signal`` of its ``config`` cannot be changed.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=60)
    title: str
    version: int = 1
    model: str = Field(pattern=r"^[\w.]+:\w+$")
    summary: str
    family: Literal["baseline", "self-supervised", "ecg-text", "supervised"]
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
    settings: str | None = Field(None, pattern=r"^[\w.]+:\w+$")
    published: Published | None = None

    @field_validator("config", "profiles", mode="before")
    @classmethod
    def _with_sections(cls, given: Any) -> Any:
        """A section without a line under it is null in YAML."""
        return {} if given is None else given

    @property
    def one_signal(self) -> bool:
        """Whether section ``signal`` of its ``config`` cannot be changed."""
        return self.published is not None

    def model_settings(self) -> type[Settings]:
        """The class of the method's own settings.

        Raises:
            PluginError: The class cannot be imported, or is not a settings class.
            ValueError: There is no class, and a name in ``config.model`` is not valid for a setting.
        """
        if self.settings is not None:
            return _settings_class(self.settings, self.folder, Settings)
        return _inferred(canonical_json(self.config.get("model") or {}))


@functools.cache
def _inferred(values: str) -> type[Settings]:
    return inferred(yaml.safe_load(values))


@functools.cache
def _settings_class(entry: str, folder: Path, base: type[Settings]) -> type[Any]:
    kind = load_object(entry, folder)
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise PluginError(f"{entry} is no class of {base.__module__}.{base.__name__}.")
    return kind


class ProtocolSpec(_Spec):
    """The description of a protocol: a file in ``tasks/protocols``.

    Attributes:
        name: As typed in ``TASK/PROTOCOL@VARIANT``.
        title: Name in tables.
        version: Raised when figures change on purpose.
        track: Tables never mix tracks.
        entry: ``module:Class`` of its :class:`ecgbench.protocol.Protocol`.
        requires: Outputs that a method needs to take part.
        predicts: ``scores`` (one per class), ``texts``, or ``ranks``.
        chance: For a control: the main metric without any leak, e.g. 0.5 for AUROC. Tables of a control
            have no ranks.
        settings: ``module:Class`` of its :class:`ecgbench.config.sections.ProtocolSettings`, which defines
            ``params`` and ``variants``. Without a class, settings are not checked.
        params: Settings of every variant.
        headline: Variants that the summary of a run shows, in this order.
        variants: Settings by variant name, e.g. ``"1%": {fraction: 0.01, draws: 5}``. ``only`` among them
            names a group of test records, by column of the records: ``{sex: female}``, ``{age: [0, 50]}``
            (from 0, below 50). ``tested: source`` evaluates a task with a ``source`` on the source's own
            test records: see :meth:`TaskSpec.under`.
        sections: Sections of the configuration, besides ``signal``, ``model`` and ``pretrain``, that the
            protocol's figures depend on.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    version: int = 1
    track: str = "standard"
    entry: str = Field(pattern=r"^[\w.]+:\w+$")
    requires: tuple[Ability, ...] = ("ecg",)
    predicts: Literal["scores", "texts", "ranks"] = "scores"
    chance: float | None = None
    settings: str | None = Field(None, pattern=r"^[\w.]+:\w+$")
    params: dict[str, Any] = {}
    headline: tuple[str, ...] = ()
    variants: dict[str, dict[str, Any]] = Field(min_length=1)
    sections: tuple[str, ...] = ()

    _settings: dict[str, Any] = PrivateAttr(default_factory=dict)
    _fingerprint: str = PrivateAttr("")

    @model_validator(mode="after")
    def _settings_are_taken(self) -> ProtocolSpec:
        kind = OpenProtocolSettings
        if self.settings is not None:
            kind = _settings_class(self.settings, self.folder, ProtocolSettings)
        for variant, given in self.variants.items():
            try:
                self._settings[variant] = kind.model_validate({**self.params, **given})
            except ValidationError as error:
                raise ValueError(
                    f"variant {variant}: {problem_in_one_line(error, kind)}"
                ) from error
        unknown = [name for name in self.headline if name not in self.variants]
        if unknown:
            hint = did_you_mean(unknown[0], self.variants)
            raise ValueError(f"headline names {unknown[0]!r}, which is no variant. {hint}")
        said = self.model_dump(
            mode="json",
            exclude={"title", "entry", "chance", "headline", "settings", "params", "variants"},
        )
        resolved = {name: as_dict(one) for name, one in self._settings.items()}
        self._fingerprint = content_hash({**said, "settings": resolved})
        return self

    def model_copy(self, *, update: Any = None, deep: bool = False) -> ProtocolSpec:
        """A validated copy with some fields changed."""
        return type(self)(**{**dict(self), **(update or {})})

    def __reduce__(self) -> tuple[Any, ...]:
        """State for pickle. Another process imports the settings class itself."""
        return _protocol_again, (dict(self),)

    def of(self, variant: str) -> Any:
        """The settings of a variant, an instance of the protocol's settings class.

        Raises:
            KeyError: There is no such variant.
        """
        return self._settings[variant]

    def fingerprint(self) -> str:
        """Hash of everything that decides how the protocol evaluates, with all settings."""
        return self._fingerprint

    def declines(self, method: MethodInfo) -> str | None:
        """Why a method cannot take part, judged by both descriptions; None if it can."""
        if method.protocols and self.name not in method.protocols:
            return f"{method.name} takes part in {', '.join(method.protocols)} only"
        missing = [ability for ability in self.requires if ability not in method.encodes]
        return f"{method.name} does not encode {' and '.join(missing)}" if missing else None

    def only(self, variant: str) -> dict[str, Any]:
        """The group of test records that a variant evaluates; empty for all."""
        return dict(as_dict(self.of(variant))["only"])

    def draws(self, variant: str) -> int:
        """Number of training subsets that a variant draws."""
        return int(self.of(variant).draws)


def _protocol_again(fields: dict[str, Any]) -> ProtocolSpec:
    return ProtocolSpec(**fields)


class SourceSpec(BaseModel):
    """The training data set of a task, if it differs from the test data set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    labels: str


class TaskSpec(_Spec):
    """A label set of a data set that methods are evaluated on; a file in ``tasks``.

    Attributes:
        name: Contains the data set's name, so that tasks of two data sets cannot be confused.
        title: Name in tables.
        version: Raised when the task's records, splits or labels change on purpose.
        dataset: Data set of the test records, by its name in the data catalogue.
        labels: Label set of the data set.
        protocols: Protocols of the task: a name, or ``NAME@VARIANT`` for one variant only.
        source: For a shift between data sets: the data set of the training and validation records.
        mapping: For a shift between data sets: the scored classes of the source. Each lists classes of
            ``labels``. A test record has the class of the source if it has any of the listed classes.
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

    def under(self, settings: ProtocolSettings | None) -> TaskSpec:
        """The task under a variant's settings; ``tested: source`` tests on the source's own test records.

        The training does not change. The test records and their labels come from the source. The drop on
        ``dataset`` is relative to the figure of this variant.
        """
        if self.source is None or settings is None or settings.tested != "source":
            return self
        at_home = {name: (name,) for name in self.mapping}
        tested = {"dataset": self.source.dataset, "labels": self.source.labels}
        return self.model_copy(update={**tested, "mapping": at_home})

    def fingerprint(self) -> str:
        """Hash of the description without the protocols, which have hashes of their own."""
        unset = set() if self.source else {"source", "mapping"}
        return content_hash(self.model_dump(mode="json", exclude={"title", "protocols", *unset}))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        PluginError: The file cannot be read, or holds no mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PluginError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(content, dict):
        raise PluginError(f"{path.name} holds no mapping of keys to values.")
    return content


def plain_validation_error(error: ValidationError) -> str:
    """The first problem of a description in one line."""
    parts = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        said = item["ctx"]["error"] if item["type"] == "value_error" else item["msg"].lower()
        parts.append(f"{key}: {said}" if key else str(said))
    return "; ".join(parts)
