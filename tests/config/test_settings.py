"""Limits and rules of the settings classes."""

from __future__ import annotations

import math
from itertools import product
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from toys import assert_refused, toy_method

from ecgbench.ablations.variants import FILE, variants_of
from ecgbench.base.errors import ConfigError, EcgbenchError
from ecgbench.config.effective import Configured, configure, effective, profile_names
from ecgbench.config.sections import Config, ProtocolSettings
from ecgbench.config.settings import Settings, inferred
from ecgbench.nn.masking import random_mask
from ecgbench.nn.settings import AnyTower, Mask, Tower
from ecgbench.plugins.catalogue import methods, protocols

MASKED = ("mae", "cg_dmer", "merit")


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        ("pretrain.steps=-5", "pretrain.steps cannot be -5 (the command line)", ""),
        ("pretrain.steps=true", "pretrain.steps cannot be True", ""),
        ("pretrain.steps=1.5", "it takes a whole number", ""),
        ("pretrain.lr=-1", "pretrain.lr cannot be -1", ""),
        ("pretrain.lr=.nan", "it takes a finite number", ""),
        ("pretrain.lr=.inf", "it takes a finite number", ""),
        ("pretrain.lr=false", "it takes a number", ""),
        ("pretrain.min_lr=1", "pretrain.min_lr cannot be 1: it takes at most lr", ""),
        ("pretrain.batch_size=0", "it takes at least 1", ""),
        ("pretrain.warmup=2", "it takes at most 1", ""),
        ("pretrain.betas=[0.9]", "pretrain.betas cannot be [0.9]", "default is"),
        ("pretrain.betas=[0.9,1.0]", "pretrain.betas cannot be 1: it takes less than 1", ""),
        ("pretrain.save_every=0", "it takes at least 1", ""),
        ("pretrain.validate_every=0", "it takes at least 1", ""),
        ("finetune.epochs=0", "it takes at least 1", "default is"),
        ("evaluate.resamples=0", "evaluate.resamples cannot be 0", "default is 1000"),
        ("signal.rate=0", "it takes at least 10", "default is 100.0"),
        ("signal.seconds=0", "it takes at least 0.5", ""),
        ("signal.bandpass=[40,0.67]", "signal.bandpass cannot be [40, 0.67]", ""),
        ("signal.rate=50", "signal.bandpass cannot be [0.67, 40]: at a rate of 50 Hz", ""),
        ("signal.scaling=zscore", "it takes 'none', 'zscore-record'", "'zscore-record'"),
        ("compute.precision=bf-16", "it takes 'auto', '32', 'bf16'", "'bf16'"),
        ("compute.precision=8", "compute.precision cannot be '8'", ""),
        ("compute.accelerator=tpu", "it takes 'auto', 'cpu'", ""),
        ("compute.devices=3", "pretrain.batch_size=32 does not divide by compute.devices=3", ""),
        ("compute.threads=-1", "it takes at least 0", ""),
        ("pretrain.steps=", "sets nothing", "key=value"),
        ("=5", "sets nothing", "key=value"),
        ("", "sets nothing", "key=value"),
        ("pretrain.steps", "sets nothing", "key=value"),
        ("toy:=5", "sets nothing", "key=value"),
        ("pretrain.data=[sim", "cannot be read", "YAML"),
        ("pretrain.lr=${nowhere}", "cannot be read", "YAML"),
        ("pretrain={steps: 5}", "Unknown key 'pretrain'", ""),
        ("profile=demo", "Unknown key 'profile'", ""),
    ],
)
def test_a_bad_value_is_refused_in_one_line(override: str, message: str, hint: str) -> None:
    start = message.replace(" (the command line)", "")
    assert_refused(toy_method(), override, start, hint)


def numeric_leaves(kind: type[Settings], prefix: str = "") -> list[str]:
    """Numeric settings, at whatever depth, that have no range."""
    found = []
    for name, field in kind.model_fields.items():
        parts = [field.annotation]
        for part in parts:
            parts += [one for one in get_args(part) if one not in parts]
            if isinstance(part, type) and issubclass(part, Settings):
                found += numeric_leaves(part, f"{prefix}{name}.")
        if any(part in (int, float) for part in parts):
            found.append(f"{prefix}{name}")
    return found


def refuses(kind: type[Settings], name: str, value: Any) -> bool:
    """Whether a class refuses a number for one of its settings, of a list or not."""
    given: Any = value
    for part in reversed(name.split(".")):
        given = {part: given}
    try:
        kind.model_validate(given)
    except ValidationError as error:
        wanted = tuple(name.split("."))
        return any(
            tuple(p for p in e["loc"] if isinstance(p, str)) == wanted for e in error.errors()
        )
    return False


@pytest.mark.parametrize("name", methods.names())
def test_every_number_has_a_range_at_both_ends(name: str) -> None:
    for kind in (Config, methods.get(name).model_settings()):
        leaves = numeric_leaves(kind)
        for leaf in leaves:
            if leaf == "signal.bandpass":  # its range depends on the rate
                continue
            for value in (-(10**12), 10**12):
                for shape in (value, [value, value], [value] * 4):
                    assert refuses(kind, leaf, shape), (leaf, shape)
        assert leaves or kind is not Config


KEYS = sorted(
    {key for name in methods.names() for key in methods.get(name).model_settings().names()}
)
WORDS = [*Config.names(), *(f"model.{key}" for key in KEYS), "pretrain.stepz", "model", "", "a:b"]
VALUES = st.one_of(
    st.integers(-3, 600).map(str),
    st.floats().map(str),
    st.sampled_from([".nan", "-.inf", "1e-3", "true", "null", "[]", "[1,2]", "[0.1, x]", "{a: 1}"]),
    st.sampled_from(
        ["vit", "resnet18", "bf16", "[sim]", "${signal.rate}", "${", "2020-01-01", "!!x"]
    ),
    st.text(max_size=8),
)
OVERRIDES = st.builds(
    lambda scope, key, equals, value: f"{scope}{key}{equals}{value}",
    st.sampled_from(["", "", "", "mae:", "random_init:", "nobody:", ":"]),
    st.one_of(st.sampled_from(WORDS), st.text(max_size=10)),
    st.sampled_from(["=", "=", "=", "", "=="]),
    VALUES,
)


def configured(overrides: list[str]) -> dict[str, Configured] | EcgbenchError:
    infos = [methods.get(name) for name in ("mae", "clip", "random_init")]
    try:
        return configure(infos, "mini", overrides, methods.names())
    except EcgbenchError as error:
        return error


@given(st.lists(OVERRIDES, max_size=3))
@settings(max_examples=400, deadline=None)
def test_any_override_is_taken_or_refused_in_one_line(overrides: list[str]) -> None:
    done = configured(overrides)
    if isinstance(done, EcgbenchError):
        assert "\n" not in done.message
        assert len(done.message) < 400
        return
    for one in done.values():
        pretrain = one.config.pretrain
        assert 0 <= pretrain.steps <= 10**9
        assert 0 <= pretrain.min_lr <= pretrain.lr < math.inf
        assert one.config.signal.rate > 0
        assert type(one.config).model_validate(one.config.model_dump()) == one.config


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
YAML = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["draws", "only", "tested", "x"]), YAML))
@settings(deadline=None)
def test_any_variant_is_taken_or_refused(content: dict[str, Any]) -> None:
    try:
        taken = ProtocolSettings.model_validate(content)
    except ValidationError:
        return
    assert 1 <= taken.draws <= 1000


class Leaf(Settings):
    one: int = 1
    two: int = 2


class Branch(Settings):
    leaf: Leaf = Leaf(one=3)
    size: int = 5


class Tree(Settings):
    branch: Branch = Branch(leaf=Leaf(one=4), size=6)


def test_a_section_keeps_the_defaults_of_the_field_at_every_depth() -> None:
    tree = Tree.model_validate({"branch": {"leaf": {"two": 9}}})
    assert tree.model_dump() == {"branch": {"leaf": {"one": 4, "two": 9}, "size": 6}}
    assert Branch.model_validate({"leaf": {}}).leaf.one == 3


def test_a_method_that_names_no_class_keeps_the_types_of_its_values() -> None:
    values = {"width": 8, "drop": 0.1, "on": True, "word": "a", "sizes": [1], "any": None}
    kind = inferred({**values, "deep": values})
    assert kind().model_dump() == {**values, "sizes": (1,), "deep": {**values, "sizes": (1,)}}
    taken = kind.model_validate({"drop": 1, "any": [3], "deep": {"sizes": ["x", 2]}})
    assert (taken.drop, taken.any, taken.deep.sizes) == (1.0, (3,), ("x", 2))  # type: ignore[attr-defined]
    for wrong in (
        {"width": 1.0},
        {"width": True},
        {"drop": "x"},
        {"on": 1},
        {"deep": 3},
        {"new": 1},
    ):
        with pytest.raises(ValidationError):
            kind.model_validate(wrong)


def test_settings_are_never_changed_and_a_changed_copy_is_checked() -> None:
    mask = Mask(leads=0.0, patches=0.5)
    with pytest.raises(ValidationError):
        mask.patches = 0.7  # type: ignore[misc]
    assert mask.replaced({"patches": 0.7}) == Mask(patches=0.7)
    with pytest.raises(ValidationError):
        mask.replaced({"patches": 0.0})
    assert AnyTower().replaced({"vit.width": 8}).vit.width == 8


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("name", methods.names())
def test_every_method_keeps_within_its_own(name: str, profile: str) -> None:
    info = methods.get(name)
    variants = variants_of(info) if (info.folder / FILE).is_file() else []
    for overrides in ((), *(variant.overrides for variant in variants)):
        assert effective(info, profile, overrides).profile == profile  # and nothing was refused


def test_every_variant_of_a_protocol_has_its_settings() -> None:
    for name in protocols.names():
        spec = protocols.get(name)
        for variant in spec.variants:
            assert type(spec.of(variant)).__module__ != ProtocolSettings.__module__, name
            assert spec.draws(variant) == spec.of(variant).draws


def allowed(leads: float, patches: float) -> bool:
    try:
        Mask(leads=float(leads), patches=float(patches))
    except ValidationError:
        return False
    return True


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_limits_of_a_mask_hold_their_ends_and_nothing_else(
    leads: float, patches: float
) -> None:
    inside = leads <= 0.9 and (patches == 0 or leads + 0.2 <= patches <= 0.9)
    inside = inside and leads + patches >= 0.1
    ends = (leads + 0.2 - patches, patches - 0.9, leads - 0.9, leads + patches - 0.1)
    assert allowed(leads, patches) == inside or min(abs(end) for end in ends) < 1e-6


def test_rounding_refuses_nothing() -> None:
    assert allowed(0.1, 0.3)


@pytest.mark.parametrize("count", [18, 20, 30])
def test_every_mask_that_is_allowed_can_be_drawn(count: int) -> None:
    drawn = 0
    for leads, patches in product(np.arange(-1, 21) / 20, np.arange(-2, 102) / 100):
        if not allowed(leads, patches):
            continue
        mask = random_mask(1, 12, count, lead_fraction=leads, patch_fraction=patches, device="cpu")
        assert mask.hidden.any(), (leads, patches)
        assert not mask.hidden.all(), (leads, patches)
        drawn += 1
    assert drawn > 500


@pytest.mark.parametrize("name", MASKED)
@pytest.mark.parametrize(
    "override", ["leads=0.9", "patches=1.0", "patches=-0.5", "patches=0", "patches=0.01"]
)
def test_masks_that_hide_nothing_or_all_are_refused(name: str, override: str) -> None:
    zero = [] if override.startswith("leads") else ["model.mask.leads=0"]
    with pytest.raises(ConfigError, match=r"model\.mask"):
        effective(methods.get(name), "mini", [*zero, f"model.mask.{override}"])


@pytest.mark.parametrize(
    ("name", "override", "said"),
    [
        ("cg_dmer", "model.feature=sharde", "takes 'pooled', 'shared' or 'both'"),
        ("cg_dmer", "model.alignment=softmax", "takes 'sigmoid' or 'infonce'"),
        ("cg_dmer", "model.weights.align=-1", "takes at least 0"),
        ("merit", "model.layer_fusion=first", "takes 'last', 'mean' or 'gated'"),
        ("merl", "model.encoder=vit", "takes 'resnet18' or 'channel-vit'"),
        ("merl", "model.dropout=1.0", "takes at most 0.9"),
        ("merl", "model.dim=6", "multiple of 4"),
        ("mae", "model.vit.pool=max", "takes 'mean' or 'by-lead'"),
        ("mae", "model.vit.heads=5", "model.vit.width cannot be 96: it takes an even multiple"),
        ("mae", "model.vit.patch=1.6", "takes at most 1.5"),
        ("mae", "signal.seconds=0.5", ""),
        ("clip", "model.text.max_tokens=2", "takes at least 3"),
        ("clip", "model.resnet.widths=[8,8,8]", "model.resnet.widths cannot be [8, 8, 8]"),
        ("clip", "model.resnet.widths=[8,8,8,0]", "model.resnet.widths cannot be 0"),
        ("checkpoint", "model.architecture=resnet", "takes 'exported', 'torchscript'"),
        (
            "checkpoint",
            "model.leads=[I,I]",
            "model.leads cannot be [I, I]: each stands there once",
        ),
        ("checkpoint", "model.leads=[X]", "there is no X"),
        ("supervised", "model.encoder=resnet", "takes 'vit', 'channel-vit'"),
    ],
)
def test_built_in_methods_refuse(name: str, override: str, said: str) -> None:
    if override == "signal.seconds=0.5":
        assert effective(methods.get(name), "mini", [override]).signal.seconds == 0.5
        with pytest.raises(ConfigError, match=r"model\.vit\.patch cannot be 1"):
            effective(methods.get(name), "mini", [override, "model.vit.patch=1"])
        return
    with pytest.raises(ConfigError) as caught:
        effective(methods.get(name), "mini", [override])
    assert said in caught.value.message


@pytest.mark.parametrize("encoder", get_args(Tower))
def test_the_sizes_of_other_encoders_are_not_read(encoder: str) -> None:
    read = {
        "vit": "vit.width=8",
        "channel-vit": "vit.width=8",
        "resnet18": "resnet.widths=[8,8,8,8]",
    }
    mine = f"model.{read.get(encoder, 'xresnet.widths=[8,8,8,8]')}"
    info = methods.get("clip")
    chosen = f"model.encoder={encoder}"
    assert effective(info, "demo", [chosen, mine]).model.encoder == encoder  # type: ignore[attr-defined]
    for other in {*read.values(), "xresnet.widths=[8,8,8,8]"}:
        if f"model.{other}" != mine:
            done = configure([info], "demo", [chosen, f"model.{other}"])["clip"]
            assert done.overrides == (chosen,)
            assert done.config == effective(info, "demo", [chosen])
            with pytest.raises(ConfigError, match="does not apply to clip"):
                effective(info, "demo", [chosen, f"clip:model.{other}"])


def test_a_patch_has_to_fit_the_record_where_the_encoder_reads_it() -> None:
    info = methods.get("random_init")
    long = ["signal.seconds=2", "model.vit.patch=3"]
    with pytest.raises(ConfigError, match=r"model\.vit\.patch cannot be 3"):
        effective(info, "mini", long)
    assert effective(info, "mini", [*long, "model.encoder=resnet18"]).signal.seconds == 2
