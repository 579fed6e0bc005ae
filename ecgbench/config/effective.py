"""The effective configuration of a run: what is set, by whom, and what may be.

Later wins: the harness's defaults (the dataclasses below), the profile (``config/profiles/NAME.yaml``), the
method's ``config.yaml`` (its ``config``, then its section of ``profiles``), the user's ``key=value``. A
key that none of them defines is an error that names the nearest one; so is a value of another type, and
one that the method's ``allowed`` leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ecgbench.base.errors import ConfigError, did_you_mean
from ecgbench.base.hashing import content_hash
from ecgbench.plugins.allowed import check, flat
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.specs import MethodInfo

PROFILES = Path(__file__).resolve().parent / "profiles"

ADDED: dict[str, dict[str, Any]] = {"pretrain": {"before": []}}
"""Keys that came after results had been published, with the value that those were made with.

At that value a key is not hashed, so that an older result still answers the same question.
"""


@dataclass
class SignalConfig:
    """The input that a method gets (see :class:`ecgbench.data.signals.SignalSpec`)."""

    rate: float = 100.0  # samples a second
    seconds: float = 10.0
    bandpass: list[float] | None = field(default_factory=lambda: [0.67, 40.0])  # Hz
    scaling: str = "zscore-record"


@dataclass
class PretrainConfig:
    """Pre-training: the same loop for every method."""

    data: list[str] = field(default_factory=list)  # data sets; empty: the task's own
    before: list[str] = field(default_factory=list)  # data sets that are trained on first
    steps: int = 1000
    batch_size: int = 64  # of all devices together
    accumulate: int = 1  # batches to a step; enlarges no contrastive batch
    lr: float = 1e-3
    min_lr: float = 0.0
    warmup: float = 0.1  # share of the steps
    weight_decay: float = 0.05
    betas: list[float] = field(default_factory=lambda: [0.9, 0.95])
    clip: float = 1.0  # largest norm of the gradient; 0 for none
    ema: float = 0.0  # decay of an average of the weights, which is then what is kept; 0 for none
    crop: float = 1.0  # share of a record's length that an example keeps, at a random place
    shuffle_reports: bool = False  # a control: reports go to other records
    validate_every: int = 200  # steps
    save_every: int = 500  # steps, to resume from


@dataclass
class FinetuneConfig:
    """Fine-tuning: the same schedule for every method; a method's config.yaml cannot change it."""

    epochs: int = 6  # looks at validation, over which the steps are spread evenly
    min_steps: int = 42  # in all: few records come round more often
    batch_size: int = 32
    lr: float = 5e-4
    min_lr: float = 0.0
    weight_decay: float = 0.05
    warmup: float = 0.1  # share of the steps
    clip: float = 1.0  # largest norm of the gradient; 0 for none


@dataclass
class ComputeConfig:
    """Where and how it runs; none of it enters a configuration's hash.

    A precision below float32 enters the addresses of checkpoints and of features.
    """

    accelerator: str = "auto"
    devices: int = 1  # of this machine, to pre-train on; a batch is shared among them
    precision: str = "auto"  # bf16 where a GPU has it, f32 elsewhere
    encode_batch: int = 256
    workers: int = 0  # processes that load batches
    threads: int = 0  # of torch on a CPU; 0: all cores


@dataclass
class EvaluateConfig:
    """How predictions become figures."""

    resamples: int = 1000  # of the patient bootstrap


@dataclass
class Config:
    """Everything that decides a cell, beside its method, task, seed and draw."""

    profile: str = "mini"
    signal: SignalConfig = field(default_factory=SignalConfig)
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    compute: ComputeConfig = field(default_factory=ComputeConfig)
    model: dict[str, Any] = field(default_factory=dict)  # the method's own


def profile_names() -> list[str]:
    """The profiles that ship with ecgbench."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml"))


def leaves_out(profile: str) -> tuple[str, ...]:
    """Protocols that a profile leaves out where a task is asked for as a whole (its ``leave_out``)."""
    return tuple(_read_profile(profile).get("leave_out", ()))


def effective(info: MethodInfo, profile: str, overrides: Sequence[str] = ()) -> DictConfig:
    """Put together the configuration of one method.

    Args:
        info: The method.
        profile: A name of :func:`profile_names`, or the path of a YAML file.
        overrides: ``key=value`` with a dotted key. A key that starts with a method's name and a colon
            (``mae:model.depth=4``) counts for that method only.

    Raises:
        ConfigError: An unknown profile or key, a value of another type, or one that the method does not
            allow.
    """
    layers: list[tuple[str, Mapping[str, Any]]] = [
        (f"profile {profile}", _profile(profile)),
        (f"config of {info.name}", info.config),
        (f"profile {profile} of {info.name}", info.profiles.get(profile, {})),
    ]
    config: DictConfig = OmegaConf.structured(Config(profile=Path(profile).stem))
    # What the method's own `config.model` names is what may be set in it.
    OmegaConf.update(config, "model", OmegaConf.create(info.config.get("model", {})), merge=False)
    OmegaConf.set_struct(config, True)
    for source, layer in layers:
        for key, value in flat(layer):
            if key.startswith("finetune.") and source != f"profile {profile}":
                raise ConfigError(
                    f"{key} cannot be set by the {source}: the schedule is the same for every method.",
                    "Set it in a profile or on the command line.",
                )
            _set(config, key, value, source)
    for override in overrides_for(info.name, overrides):
        key, value = _parse(override)
        _set(config, key, value, "the command line")
    check(info.allowed, dict(flat(as_dict(config))))
    return config


def overrides_for(method: str, overrides: Sequence[str]) -> list[str]:
    """The overrides that count for a method, without its name in front.

    Raises:
        ConfigError: One is for a method that nothing is registered under.
    """
    chosen = []
    for override in overrides:
        scope, colon, rest = override.partition(":")
        if colon and re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", scope) and "=" not in scope:
            if scope == method:
                chosen.append(rest)
            elif scope not in methods.entries():
                raise ConfigError(
                    f"Unknown method {scope!r} in {override!r}.",
                    did_you_mean(scope, methods.entries()),
                )
        else:
            chosen.append(override)
    return chosen


def as_dict(config: DictConfig) -> dict[str, Any]:
    """The configuration as plain JSON-like data."""
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def config_hash(config: DictConfig, sections: Sequence[str]) -> str:
    """Hash of those sections that decide a stage's output."""
    plain = as_dict(config)
    return content_hash({name: _without_added(name, plain[name]) for name in sections})


def _without_added(section: str, values: Any) -> Any:
    added = ADDED.get(section)
    if added is None:
        return values
    return {key: v for key, v in values.items() if key not in added or added[key] != v}


def _profile(profile: str) -> dict[str, Any]:
    """What a profile sets; what it leaves out is no setting of a cell."""
    return {key: v for key, v in _read_profile(profile).items() if key != "leave_out"}


def _read_profile(profile: str) -> dict[str, Any]:
    path = Path(profile) if profile.endswith((".yaml", ".yml")) else PROFILES / f"{profile}.yaml"
    if not path.is_file():
        raise ConfigError(f"Unknown profile {profile!r}.", did_you_mean(profile, profile_names()))
    loaded = OmegaConf.to_container(OmegaConf.load(path)) or {}
    assert isinstance(loaded, dict)
    return {str(key): value for key, value in loaded.items()}


def _parse(override: str) -> tuple[str, Any]:
    key, equals, _ = override.partition("=")
    if not equals or not key:
        raise ConfigError(
            f"{override!r} sets nothing.", "Write key=value, e.g. pretrain.steps=500."
        )
    parsed = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={override[len(key) + 1 :]}"]))
    assert isinstance(parsed, dict)
    return key.strip(), parsed["value"]


def _set(config: DictConfig, key: str, value: Any, source: str) -> None:
    known = [path for path, _ in flat(as_dict(config))]
    if key not in known:
        raise ConfigError(f"Unknown key {key!r} ({source}).", did_you_mean(key, known))
    old = OmegaConf.select(config, key)
    if isinstance(old, bool) != isinstance(value, bool) and old is not None:
        raise _wrong_type(key, value, old, source)
    if key.startswith("model.") and not _fits(value, old):
        raise _wrong_type(key, value, old, source)
    try:
        OmegaConf.update(config, key, value)
    except OmegaConfBaseException as error:
        raise _wrong_type(key, value, old, source) from error


def _fits(value: Any, old: Any) -> bool:
    """Whether a value may take the place of a default; a whole number may stand for a real one."""
    if old is None or value is None:
        return True
    if isinstance(old, float):
        return isinstance(value, int | float)
    if OmegaConf.is_list(old):
        return isinstance(value, list) or OmegaConf.is_list(value)
    return isinstance(value, type(old))


def _wrong_type(key: str, value: Any, old: Any, source: str) -> ConfigError:
    kind = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a word"}
    wanted = kind.get(
        type(old).__name__, "a list" if OmegaConf.is_list(old) else type(old).__name__
    )
    return ConfigError(
        f"{key} cannot be {value!r} ({source}): it takes {wanted}.", f"Its default is {old!r}."
    )
