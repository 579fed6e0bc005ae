"""The layers of a configuration, and the messages about invalid settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from toys import assert_refused, toy_method

from ecgbench.base.errors import ConfigError
from ecgbench.base.hashing import content_hash
from ecgbench.config.effective import (
    config_hash,
    configure,
    decisive,
    effective,
    in_a_rows_name,
    left_out_lines,
    profile_names,
    read_back,
)
from ecgbench.config.sections import PretrainSettings
from ecgbench.config.settings import as_dict
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.specs import MethodInfo

SECTIONS = ("signal", "model", "pretrain")


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


@pytest.fixture
def untrained() -> MethodInfo:
    return toy_method(name="untrained", config={"pretrain": {"steps": 0}, "model": {"depth": 1}})


def test_a_general_override_goes_to_the_methods_that_use_the_key(
    info: MethodInfo, untrained: MethodInfo
) -> None:
    plain = configure([info, untrained], "mini")
    done = configure([info, untrained], "mini", ["pretrain.steps=5", "model.depth=2"])
    assert done["toy"].config.pretrain.steps == 5
    assert done["toy"].overrides == ("pretrain.steps=5",)
    assert done["toy"].left_out == {"model.depth=2": "no key 'model.depth'"}
    assert done["untrained"].config.pretrain == plain["untrained"].config.pretrain
    assert done["untrained"].config.model.depth == 2  # type: ignore[attr-defined]
    assert done["untrained"].overrides == ("model.depth=2",)
    assert left_out_lines(done) == [
        "model.depth=2 does not apply to toy (no key 'model.depth').",
        "pretrain.steps=5 does not apply to untrained (not pre-trained).",
    ]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("untrained:pretrain.steps=5", r"does not apply to untrained \(not pre-trained\)"),
        ("untrained:pretrain.data=[sim]", r"does not apply to untrained \(not pre-trained\)"),
        ("toy:model.depth=2", "does not apply to toy"),
        ("toy:model.widht=2", r"\(no key 'model\.widht'\)"),
        ("model.height=2", r"Unknown key 'model\.height'"),
    ],
)
def test_an_override_that_nothing_can_use_is_refused(
    info: MethodInfo, untrained: MethodInfo, override: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        configure([info, untrained], "mini", [override])


def test_the_last_override_of_a_key_wins_and_is_the_one_that_is_kept(info: MethodInfo) -> None:
    done = configure([info], "mini", ["model.width=2", "pretrain.lr=1", "toy:model.width=3"])["toy"]
    assert done.config.model.width == 3  # type: ignore[attr-defined]
    assert done.overrides == ("model.width=3", "pretrain.lr=1")


def test_a_method_that_an_override_leaves_untrained_reads_no_schedule(info: MethodInfo) -> None:
    done = configure([info], "mini", ["pretrain.steps=0", "pretrain.lr=1", "pretrain.data=[sim]"])
    assert done["toy"].overrides == ("pretrain.steps=0", "pretrain.data=[sim]")
    faster = toy_method(config={"pretrain": {"lr": 1.0}, "model": info.config["model"]})
    ours, theirs = (effective(one, "mini", ["pretrain.steps=0"]) for one in (info, faster))
    assert ours.pretrain.lr != theirs.pretrain.lr
    assert config_hash(ours, ["pretrain"]) == config_hash(theirs, ["pretrain"])


@pytest.mark.parametrize("key", ["pretrain.save_every", "pretrain.validate_every"])
def test_what_changes_no_weight_is_in_no_hash_and_no_name(info: MethodInfo, key: str) -> None:
    often = effective(info, "mini", [f"{key}=7"])
    assert config_hash(often, SECTIONS) == config_hash(effective(info, "mini"), SECTIONS)
    assert not in_a_rows_name(f"{key}=7")


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("compute.threads=1", False),
        ("evaluate.resamples=10", False),
        ("pretrain.data=[sim]", False),
        ("pretrain.before=[sim]", True),
        ("pretrain.steps=5", True),
        ("finetune.lr=1", True),
        ("model.save_every=5", True),
    ],
)
def test_a_rows_name_holds_what_changes_the_row(override: str, named: bool) -> None:
    assert in_a_rows_name(override) == named


def test_every_other_setting_of_pretraining_is_in_the_hash(info: MethodInfo) -> None:
    plain = effective(info, "mini")
    other = {
        "data": ("sim",), "before": ("sim",), "steps": 7, "batch_size": 7, "accumulate": 2, "lr": 0.2,
        "min_lr": 0.01, "warmup": 0.2, "weight_decay": 0.2, "betas": (0.5, 0.5), "clip": 2.0, "ema": 0.5,
        "crop": 0.5, "shuffle_reports": True,
    }  # fmt: skip
    for name in set(PretrainSettings.model_fields) - set(PretrainSettings.neutral):
        changed = plain.replaced({f"pretrain.{name}": other[name]})
        assert config_hash(changed, SECTIONS) != config_hash(plain, SECTIONS), name


def test_sizes_that_are_not_read_are_in_no_hash() -> None:
    clip = methods.get("clip")
    plain = effective(clip, "mini")
    assert "vit" not in decisive(plain, ["model"])["model"]
    assert decisive(plain, ["model"])["model"]["resnet"] == {"widths": [32, 64, 128, 256]}
    wider = plain.replaced({"model.vit.width": 8})
    assert config_hash(wider, SECTIONS) == config_hash(plain, SECTIONS)
    assert config_hash(plain.replaced({"model.dim": 8}), SECTIONS) != config_hash(plain, SECTIONS)


@pytest.mark.parametrize("name", methods.names())
def test_a_configuration_is_read_back_as_it_was(name: str) -> None:
    info = methods.get(name)
    config = effective(info, "paper")
    again = read_back(info, json.loads(json.dumps(as_dict(config))))
    assert again == config
    assert type(again) is type(config)


def test_a_section_keeps_the_defaults_that_its_method_gives_it() -> None:
    config = effective(
        methods.get("merl"), "mini", ["model.encoder=channel-vit", "model.vit.width=48"]
    )
    vit = config.model.vit  # type: ignore[attr-defined]
    assert (vit.depth, vit.heads, vit.width) == (6, 3, 48)
    with pytest.raises(ConfigError) as caught:
        effective(
            methods.get("merl"), "mini", ["merl:model.vit.depth=0", "model.encoder=channel-vit"]
        )
    assert caught.value.hint == "Its default is 6."
