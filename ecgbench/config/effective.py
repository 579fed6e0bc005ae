"""The effective configuration of a run: its layers and the user's overrides.

Later layers win: the defaults of the settings classes, the profile (``config/profiles/NAME.yaml``), the
method's ``config.yaml`` (first ``config``, then its section of ``profiles``), the user's ``key=value``.
OmegaConf merges these layers. The classes in :mod:`ecgbench.config.sections` and the method's own settings
class validate the values (:mod:`ecgbench.config.settings`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError, create_model
from yaml import YAMLError

from ecgbench.base.errors import ConfigError, did_you_mean
from ecgbench.base.hashing import content_hash
from ecgbench.config.sections import Config, SignalSettings
from ecgbench.config.settings import Settings, as_dict, first_problem

PROFILES = Path(__file__).resolve().parent / "profiles"

ADDED: dict[str, dict[str, Any]] = {
    "pretrain": {"before": []},
    "signal": {"notch": None, "baseline": None, "window": None, "windows": None, "pool": "mean"},
}
"""Keys that were added after results had been published, with the value that keeps the old behaviour.

A key at this value is not hashed, so older results stay valid.
"""


class Configurable(Protocol):
    """What a configuration needs to know about a method; see :class:`ecgbench.plugins.specs.MethodInfo`."""

    @property
    def name(self) -> str:
        """Registered name."""

    @property
    def config(self) -> dict[str, Any]:
        """What the method sets, by section."""

    @property
    def profiles(self) -> dict[str, dict[str, Any]]:
        """What the method sets in a profile, by name of the profile."""

    @property
    def one_signal(self) -> bool:
        """Whether section ``signal`` of its ``config`` cannot be changed."""

    def model_settings(self) -> type[Settings]:
        """The class of the method's own settings."""


@dataclass(frozen=True)
class Override:
    """A ``key=value`` of the user.

    Attributes:
        scope: Name of the only method that the override is for; None for all methods with this key.
        key: Dotted key.
        text: The value as typed.
        value: The value as YAML reads it.
    """

    scope: str | None
    key: str
    text: str
    value: Any

    def __str__(self) -> str:
        return f"{self.key}={self.text}"


@dataclass(frozen=True)
class Configured:
    """The configuration of a method and the user's overrides that it uses.

    Attributes:
        config: The effective configuration.
        overrides: ``key=value`` of the overrides that the method uses, the last one of each key.
        left_out: By override for all methods: the reason why this method does not use it.
    """

    config: Config
    overrides: tuple[str, ...]
    left_out: dict[str, str]


def profile_names() -> list[str]:
    """The profiles that ship with ecgbench."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml"))


def leaves_out(profile: str) -> tuple[str, ...]:
    """Protocols that a profile leaves out unless the user names them (key ``leave_out``)."""
    return tuple(_read_profile(profile).get("leave_out", ()))


def effective(info: Configurable, profile: str, overrides: Sequence[str] = ()) -> Config:
    """The configuration of one method.

    Args:
        info: The method.
        profile: A name of :func:`profile_names`, or the path of a YAML file.
        overrides: ``key=value`` with a dotted key; see :func:`configure`.

    Raises:
        ConfigError: As :func:`configure`.
    """
    return configure([info], profile, overrides)[info.name].config


def configure(
    infos: Sequence[Configurable],
    profile: str,
    overrides: Sequence[str] = (),
    known: Collection[str] = (),
) -> dict[str, Configured]:
    """The configurations of some methods.

    An override applies to the methods that use its key. For example, a method without pre-training does
    not use the keys of ``pretrain``. An override that begins with the name of a method and a colon
    (``mae:model.vit.depth=4``) applies to this method only, and the method must use the key.

    Args:
        infos: The methods.
        profile: A name of :func:`profile_names`, or the path of a YAML file.
        overrides: ``key=value`` with a dotted key.
        known: Names of registered methods. An override may name a method that does not run.

    Returns:
        Configurations by name of the method.

    Raises:
        ConfigError: An unknown profile or method, a key that no method has, an invalid value, or an
            override for one method that does not use the key.
    """
    parsed = [_parse(override) for override in overrides]
    names = {*known, *(info.name for info in infos)}
    for override in parsed:
        if override.scope is not None and override.scope not in names:
            raise ConfigError(
                f"Unknown method {override.scope!r} in '{override.scope}:{override}'.",
                did_you_mean(override.scope, names),
            )
    keys = {key for info in infos for key in settable(info)}
    for override in parsed:
        if infos and override.scope is None and override.key not in keys:
            raise ConfigError(
                f"Unknown key {override.key!r} (the command line).",
                did_you_mean(override.key, keys),
            )
    return {info.name: _configured(info, profile, parsed) for info in infos}


def left_out_lines(configured: Mapping[str, Configured]) -> list[str]:
    """One line for each override that some methods do not use, with the methods and the reason.

    Args:
        configured: By name of the method.
    """
    whys: dict[tuple[str, str], list[str]] = {}
    for name, one in configured.items():
        for override, why in one.left_out.items():
            whys.setdefault((override, why), []).append(name)
    return [
        f"{override} does not apply to {', '.join(names)} ({why})."
        for (override, why), names in whys.items()
    ]


def settable(info: Configurable) -> list[str]:
    """The dotted keys of a method's configuration."""
    return [key for key in _kind(info.model_settings()).names() if key != "profile"]


def read_back(info: Configurable, values: Mapping[str, Any]) -> Config:
    """The configuration of a method from the output of :func:`ecgbench.config.settings.as_dict`.

    Raises:
        pydantic.ValidationError: The values belong to another version of the method.
    """
    return _kind(info.model_settings()).model_validate(values)


def decisive(config: Config, sections: Sequence[str]) -> dict[str, Any]:
    """The settings that decide a stage's output, by section: the input of every hash.

    Left out are settings that change neither weights nor predictions, settings that nothing reads at the
    present values of the others, and the keys of :data:`ADDED` at their old value.

    Args:
        config: The effective configuration.
        sections: Sections that the stage reads.
    """
    found = {}
    for name in sections:
        section: Settings = getattr(config, name)
        skipped = {*getattr(section, "neutral", ()), *section.unread()}
        added = ADDED.get(name, {})
        values = as_dict(section)
        skipped |= {key for key, value in added.items() if values.get(key) == value}
        found[name] = _without(values, skipped)
    return found


def config_hash(config: Config, sections: Sequence[str]) -> str:
    """Hash of the sections that decide a stage's output."""
    return content_hash(decisive(config, sections))


def in_a_rows_name(override: str) -> bool:
    """Whether an override is part of a row's name; ``pretrain.data`` has a separate place in the name."""
    section, _, name = override.partition("=")[0].partition(".")
    pretrain = Config.model_fields["pretrain"].annotation
    silent = {"pretrain": ("data", *getattr(pretrain, "neutral", ()))}
    return section not in Config.neutral and name not in silent.get(section, ())


def flat(layer: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted keys and values of one layer; an empty mapping sets nothing."""
    items: list[tuple[str, Any]] = []
    for key, value in layer.items():
        path = f"{prefix}{key}"
        items += flat(value, f"{path}.") if isinstance(value, Mapping) else [(path, value)]
    return items


def _configured(info: Configurable, profile: str, overrides: Sequence[Override]) -> Configured:
    """The configuration of one method, and the overrides for all methods that it does not use."""
    kind = _kind(info.model_settings())
    keys = settable(info)
    base = _Layers(kind, Path(profile).stem)
    for setter, layer in (
        (f"profile {profile}", _profile(profile)),
        (f"config of {info.name}", info.config),
        (f"profile {profile} of {info.name}", info.profiles.get(profile, {})),
    ):
        for key, value in flat(layer):
            if key.startswith("finetune.") and setter != f"profile {profile}":
                raise ConfigError(
                    f"{key} cannot be set by the {setter}: the schedule is the same for every method.",
                    "Set it in a profile or on the command line.",
                )
            base.set(key, value, setter)
    trains = base.config().pretrain.steps > 0
    left_out: dict[str, str] = {}

    def refuse(override: Override, why: str) -> None:
        if override.scope is not None:
            hint = did_you_mean(override.key, keys) if override.key not in keys else None
            raise ConfigError(
                f"{override.scope}:{override} does not apply to {info.name} ({why}).", hint
            )
        left_out[str(override)] = why

    used: dict[str, Override] = {}
    for override in overrides:
        if override.scope not in (None, info.name):
            continue
        if override.key not in keys:
            refuse(override, f"no key {override.key!r}")
        elif not trains and override.key.startswith("pretrain."):
            refuse(override, "not pre-trained")
        else:
            used[override.key] = override
    config = base.with_overrides(used.values())
    unread = _unread(config)
    for key, override in list(used.items()):
        if any(key == one or key.startswith(f"{one}.") for one in unread):
            refuse(override, "not read with the other settings")
            del used[key]
    refuse_other_signal(info, config.signal)
    return Configured(
        base.with_overrides(used.values()), tuple(str(one) for one in used.values()), left_out
    )


class _Layers:
    """Settings while the layers are merged, with the layer that set each of them."""

    def __init__(self, kind: type[Config], profile: str) -> None:
        self.kind = kind
        self.known = [key for key in kind.names() if key != "profile"]
        sections: dict[str, Any] = {name: {} for name in kind.model_fields if name != "profile"}
        self.values: DictConfig = OmegaConf.create({"profile": profile, **sections})
        self.setter: dict[str, str] = {}
        self.before: dict[str, Any] = {}

    def set(self, key: str, value: Any, setter: str) -> None:
        """Set a value; it replaces the value of an earlier layer."""
        if key not in self.known:
            raise ConfigError(f"Unknown key {key!r} ({setter}).", did_you_mean(key, self.known))
        self.before[key] = OmegaConf.select(self.values, key, default=_default(self.kind, key))
        self.setter[key] = setter
        try:
            OmegaConf.update(self.values, key, value, merge=False)
        except (OmegaConfBaseException, ValueError) as error:
            raise _unreadable(f"{key}={value!r}", error) from error

    def with_overrides(self, overrides: Collection[Override]) -> Config:
        """A copy with the user's overrides applied."""
        changed = _Layers(self.kind, str(self.values.profile))
        changed.values = self.values.copy()
        changed.setter, changed.before = dict(self.setter), dict(self.before)
        for override in overrides:
            changed.set(override.key, override.value, "the command line")
        return changed.config()

    def config(self) -> Config:
        """The configuration.

        Raises:
            ConfigError: A value is invalid. Names the setting, the layer that set it and the valid values.
        """
        try:
            values = OmegaConf.to_container(self.values, resolve=True)
        except OmegaConfBaseException as error:
            raise _unreadable("The configuration", error) from error
        try:
            return self.kind.model_validate(values)
        except ValidationError as error:
            key, said, hint = first_problem(error, self.kind)
            where = f" ({self.setter[key]})" if key in self.setter else ""
            if hint is None and self.before.get(key) is not None:
                hint = f"Its default is {_listed(self.before[key])!r}."
            raise ConfigError(f"{said}{where}.", hint) from error


@functools.cache
def _kind(model: type[Settings]) -> type[Config]:
    """The class of a method's configuration. The method's own settings may have required values."""
    return create_model("MethodConfig", __base__=Config, model=(model, ...))


def _default(kind: type[Settings], key: str) -> Any:
    section, _, rest = key.partition(".")
    field = kind.model_fields[section]
    default = None if field.is_required() else field.get_default()
    if rest and isinstance(default, Settings):
        return functools.reduce(getattr, rest.split("."), default)
    if rest:
        assert isinstance(field.annotation, type)
        return _default(field.annotation, rest)
    return default


def _unread(config: Config) -> list[str]:
    sections = {"signal": config.signal, "pretrain": config.pretrain, "model": config.model}
    return [f"{name}.{one}" for name, part in sections.items() for one in part.unread()]


def _without(values: Mapping[str, Any], skipped: Collection[str]) -> dict[str, Any]:
    """Values by name, without some dotted names."""
    kept = {}
    for name, value in values.items():
        inner = {one.partition(".")[2] for one in skipped if one.startswith(f"{name}.")}
        if name not in skipped:
            kept[name] = _without(value, inner) if inner else value
    return kept


def _profile(profile: str) -> dict[str, Any]:
    """The settings of a profile, without ``leave_out``, which is not a setting of a cell."""
    return {key: v for key, v in _read_profile(profile).items() if key != "leave_out"}


def _read_profile(profile: str) -> dict[str, Any]:
    path = Path(profile) if profile.endswith((".yaml", ".yml")) else PROFILES / f"{profile}.yaml"
    if not path.is_file():
        raise ConfigError(f"Unknown profile {profile!r}.", did_you_mean(profile, profile_names()))
    return _read_yaml(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=32)
def _read_yaml(path: Path, modified: int) -> dict[str, Any]:
    """A profile's content, cached until the file changes."""
    try:
        loaded = OmegaConf.to_container(OmegaConf.load(path)) or {}
    except (OmegaConfBaseException, YAMLError, OSError, UnicodeDecodeError, ValueError) as error:
        raise _unreadable(f"The profile {path.name}", error) from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"The profile {path.name} holds no mapping of keys to values.")
    return {str(key): value for key, value in loaded.items()}


def _parse(override: str) -> Override:
    if not override.isprintable():
        raise ConfigError(f"{override!r} holds a character that cannot be printed.")
    key, equals, text = override.partition("=")
    scope, colon, rest = key.partition(":")
    scoped = bool(colon and re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", scope))
    key = (rest if scoped else key).strip()
    text = text.strip()
    if not equals or not key or not text:
        raise ConfigError(
            f"{override!r} sets nothing.", "Write key=value, e.g. pretrain.steps=500."
        )
    try:
        parsed = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={text}"]))
    except (OmegaConfBaseException, YAMLError, ValueError) as error:
        raise _unreadable(override, error) from error
    assert isinstance(parsed, dict)
    return Override(scope if scoped else None, key, text, parsed.get("value"))


def _unreadable(what: str, error: Exception) -> ConfigError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ConfigError(f"{what} cannot be read: {reason[:200]}", "A value is written as in YAML.")


def _listed(value: Any) -> Any:
    return list(value) if OmegaConf.is_list(value) or isinstance(value, tuple) else value


def refuse_other_signal(info: Configurable, asked: SignalSettings) -> None:
    """See that published weights get the signal that they were trained on.

    Raises:
        ConfigError: A setting differs from the method's own; names the first.
    """
    if not info.one_signal:
        return
    own = SignalSettings.model_validate(info.config.get("signal", {}))
    for key, value in own:
        given = getattr(asked, key)
        if given != value:
            raise ConfigError(
                f"{info.name} was trained on {own.in_words()}; signal.{key}={_in_yaml(given)} is another "
                f"signal (its own is {_in_yaml(value)}).",
                f"Leave signal.{key} out, or set it for another method alone: NAME:signal.{key}=...",
            )


def _in_yaml(value: Any) -> str:
    if value is None:
        return "null"
    return f"{value:g}" if isinstance(value, float) else str(_listed(value))
