"""What may be set, by whom, and what is said of a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from toys import assert_refused, toy_method

from ecgbench.base.errors import ConfigError
from ecgbench.base.hashing import content_hash
from ecgbench.config.effective import config_hash, configure, effective, profile_names
from ecgbench.config.settings import as_dict
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.specs import MethodInfo


@pytest.fixture
def info() -> MethodInfo:
    return toy_method(
        config={
            "pretrain": {"lr": 0.5},
            "model": {
                "width": 8,
                "drop": 0.1,
                "encoder": "vit",
                "deep": {"on": True},
                "sizes": [1],
            },
        },
        profiles={"demo": {"model": {"width": 4}}},
    )


def test_later_layers_win(info: MethodInfo) -> None:
    config = effective(info, "demo", ["pretrain.batch_size=7", "model.deep.on=false"])
    assert config.pretrain.lr == 0.5  # the method over the harness
    assert config.model.width == 4  # the method's profile over the method
    assert config.pretrain.batch_size == 7  # the user over all
    assert config.model.deep.on is False
    assert config.profile == "demo"
    assert effective(info, "mini").model.width == 8


@pytest.mark.parametrize("profile", profile_names())
def test_every_profile_loads(info: MethodInfo, profile: str) -> None:
    assert as_dict(effective(info, profile))["profile"] == profile


def test_a_profile_of_the_users_own(info: MethodInfo, tmp_path: Path) -> None:
    file = tmp_path / "quick.yaml"
    file.write_text("pretrain: {steps: 3}\n")
    assert effective(info, str(file)).pretrain.steps == 3


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        ("pretrain.stepz=3", "Unknown key 'pretrain.stepz'", "'pretrain.steps'"),
        ("model.widht=3", "Unknown key 'model.widht'", "'model.width'"),
        ("pretrain.steps=many", "pretrain.steps cannot be 'many'", "default is"),
        ("pretrain.steps=1.5", "takes a whole number", "default is"),
        ("model.width=wide", "takes a whole number", "default is 4"),
        ("model.width=true", "takes a whole number", "default is 4"),
        ("model.deep.on=3", "takes true or false", "default is True"),
        ("model.encoder=3", "takes a word", "default is 'vit'"),
        ("model.sizes=3", "takes a list", "default is"),
        ("pretrain", "sets nothing", "key=value"),
    ],
)
def test_a_wrong_override_names_the_key_and_what_it_takes(
    info: MethodInfo, override: str, message: str, hint: str
) -> None:
    assert_refused(info, override, message, hint)


def test_a_whole_number_may_stand_for_a_real_one(info: MethodInfo) -> None:
    assert effective(info, "demo", ["model.drop=1", "pretrain.lr=1"]).pretrain.lr == 1.0


def test_an_unknown_profile_says_the_nearest(info: MethodInfo) -> None:
    with pytest.raises(ConfigError, match="Unknown profile 'demmo'") as caught:
        effective(info, "demmo")
    assert "'demo'" in (caught.value.hint or "")


def test_an_override_may_be_for_one_method(info: MethodInfo) -> None:
    assert effective(info, "demo", ["toy:model.width=2"]).model.width == 2
    known = methods.entries()
    assert configure([info], "demo", ["clip:model.width=2"], known)["toy"].config.model.width == 4
    with pytest.raises(ConfigError, match="Unknown method 'clop'") as caught:
        configure([info], "demo", ["clop:model.width=2"], known)
    assert "'clip'" in (caught.value.hint or "")


def test_a_hash_depends_on_its_sections_alone(info: MethodInfo) -> None:
    plain = effective(info, "demo")
    threads = effective(info, "demo", ["compute.threads=1"])
    wider = effective(info, "demo", ["model.width=5"])
    sections = ("signal", "model", "pretrain")
    assert config_hash(plain, sections) == config_hash(threads, sections)
    assert config_hash(plain, sections) != config_hash(wider, sections)


def test_a_key_that_came_later_leaves_old_hashes_as_they_were(info: MethodInfo) -> None:
    plain = effective(info, "mini")
    later = ("before", "validate_every", "save_every")  # the last two change no weight
    then = {key: value for key, value in as_dict(plain)["pretrain"].items() if key not in later}
    assert config_hash(plain, ["pretrain"]) == content_hash({"pretrain": then})
    staged = effective(info, "mini", ["pretrain.before=[sim]"])
    assert config_hash(staged, ["pretrain"]) != config_hash(plain, ["pretrain"])
