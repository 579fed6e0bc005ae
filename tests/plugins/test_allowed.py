"""What a method says its settings may be: kept, refused, and the limits of the built-in ones."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from toys import assert_refused, toy_method

from ecgbench.ablations.variants import FILE, variants_of
from ecgbench.base.errors import ConfigError
from ecgbench.config.effective import as_dict, config_hash, effective, profile_names
from ecgbench.nn.masking import random_mask
from ecgbench.plugins.allowed import check
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.specs import MethodInfo

ALLOWED = {
    "model.feature": ["pooled", "shared", "both"],
    "model.sizes": {"min": 1},
    "model.a": [0, {"min": "model.b + 0.2", "max": 0.9}],
    "model.b": {"min": 0, "max": 0.7},
    "model.a + model.b": {"min": 0.1},
}
SETTINGS = {"feature": "pooled", "sizes": [8, 8], "a": 0.5, "b": 0.0, "source": None}
MASKED = ("mae", "cg_dmer", "merit")


def toy(allowed: dict[str, Any] = ALLOWED) -> MethodInfo:
    return toy_method(config={"model": SETTINGS}, allowed=allowed)


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        ("model.feature=sharde", "takes 'pooled', 'shared' or 'both'", "mean 'shared'?"),
        ("model.sizes=[8,0]", "model.sizes cannot be 0: it takes at least 1", ""),
        ("model.b=-0.1", "model.b cannot be -0.1: it takes 0 to 0.7", ""),
        ("model.a=1.0", "model.a cannot be 1: it takes 0 or model.b + 0.2 (0.2) to 0.9", ""),
        ("model.b=0.4", "model.a cannot be 0.5: it takes 0 or model.b + 0.2 (0.6) to 0.9", ""),
        ("model.a=0", "model.a + model.b cannot be 0: it takes at least 0.1", ""),
        ("model.a=.nan", "model.a cannot be nan", ""),
    ],
)
def test_what_is_not_allowed_names_key_value_and_what_is(
    override: str, message: str, hint: str
) -> None:
    assert_refused(toy(), override, message, hint)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_range_holds_its_ends_and_nothing_else(a: float, b: float) -> None:
    in_place = (a == 0 or b + 0.2 <= a <= 0.9) and b <= 0.7 and a + b >= 0.1
    near = min(abs(b + 0.2 - a), abs(a - 0.9), abs(b - 0.7), abs(a + b - 0.1)) < 1e-6
    try:
        check(toy().allowed, {f"model.{k}": v for k, v in {**SETTINGS, "a": a, "b": b}.items()})
    except ConfigError:
        assert near or not in_place
    else:
        assert near or in_place


def test_rounding_refuses_nothing() -> None:
    assert effective(toy(), "mini", ["model.b=0.1", "model.a=0.3"]).model.a == 0.3


def test_what_is_null_is_not_held_against_it() -> None:
    info = toy({"model.source": ["a"]})
    assert effective(info, "mini").model.source is None
    with pytest.raises(ConfigError, match="'b'"):
        effective(info, "mini", ["model.source=b"])


def test_it_changes_neither_configuration_nor_hash() -> None:
    with_it, without = (effective(info, "mini") for info in (toy(), toy({})))
    assert as_dict(with_it) == as_dict(without)
    assert config_hash(with_it, ["model"]) == config_hash(without, ["model"])


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("name", methods.names())
def test_every_method_keeps_within_its_own(name: str, profile: str) -> None:
    info = methods.get(name)
    variants = variants_of(info) if (info.folder / FILE).is_file() else []
    for overrides in ((), *(variant.overrides for variant in variants)):
        assert effective(info, profile, overrides).profile == profile  # and nothing was refused


def test_a_shared_block_gives_its_lines_and_a_methods_own_win() -> None:
    settings = {
        "encoder": "vit",
        "vit": {"patch": 0.5, "width": 8},
    }  # and no more of what `vit` has
    shared = {"shared": ["encoder", "vit"], "model.vit.width": {"min": 4}}
    info = toy_method(config={"model": settings}, allowed=shared)
    assert set(info.allowed) == {"model.encoder", "model.vit.patch", "model.vit.width"}
    assert_refused(info, "model.vit.patch=9.0", "it takes 0.02 to 5", "")
    assert_refused(info, "model.vit.width=3", "it takes at least 4", "")
    with pytest.raises(ValidationError, match=r"no such block.*mean 'vit'"):
        toy_method(config={"model": settings}, allowed={"shared": ["vits"]})


@pytest.mark.parametrize("count", [18, 20, 30])
def test_every_mask_that_is_allowed_can_be_drawn(count: int) -> None:
    sections = [methods.get(name).allowed for name in MASKED]
    rules = [
        {key: one[key] for key in one if ".mask." in key and "words" not in key} for one in sections
    ]
    assert rules[0] == rules[1] == rules[2]
    drawn = 0
    for leads, patches in product(np.arange(-1, 21) / 20, np.arange(-2, 102) / 100):
        try:
            check(rules[0], {"model.mask.leads": leads, "model.mask.patches": patches})
        except ConfigError:
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
    ("name", "override"),
    [
        ("cg_dmer", "model.feature=sharde"),
        ("cg_dmer", "model.alignment=softmax"),
        ("cg_dmer", "model.weights.align=-1"),
        ("merit", "model.layer_fusion=first"),
        ("merl", "model.encoder=vit"),
        ("merl", "model.dropout=1.0"),
        ("mae", "model.vit.pool=max"),
        ("clip", "model.text.max_tokens=2"),
        ("checkpoint", "model.architecture=resnet"),
        ("supervised", "model.encoder=resnet"),
    ],
)
def test_built_in_methods_refuse(name: str, override: str) -> None:
    with pytest.raises(ConfigError, match=override.partition("=")[0].replace(".", r"\.")):
        effective(methods.get(name), "mini", [override])
