"""The cards say what is so: sizes as the methods have them, ablations as the files name them."""

from __future__ import annotations

import random
import re

import pytest
import torch
from building import bert_base

from ecgbench.ablations.variants import FILE, variants_of
from ecgbench.authoring.card import missing_from_card
from ecgbench.config.effective import effective
from ecgbench.data.leads import LEADS
from ecgbench.method import Method, Setup
from ecgbench.nn import towers
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.importing import load_object
from ecgbench.plugins.specs import MethodInfo
from ecgbench.runs.plan import chosen_methods

BUILT_IN = {info.name: info for info in chosen_methods(["all"])}
ON_REQUEST = {name for name in methods.names() if methods.get(name).on_request}
SIZED = sorted(set(BUILT_IN) - {"classical"})  # it has no parameter
PROFILES = ("demo", "mini", "paper")
ABLATED = [name for name, info in BUILT_IN.items() if (info.folder / FILE).is_file()]


def card_of(info: MethodInfo) -> str:
    return (info.folder / "README.md").read_text(encoding="utf-8")


def many_words(count: int) -> tuple[str, ...]:
    """Texts of enough different words to fill a small vocabulary."""
    draw = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return tuple("".join(draw.choices(letters, k=draw.randint(4, 9))) for _ in range(count))


def sizes(name: str, profile: str) -> dict[str, int]:
    """Parameters of a method, of its encoders, on the meta device."""
    info = methods.get(name)
    config = effective(info, profile)
    signal = config.signal
    reports = many_words(3000) if info.reports != "none" else ()
    setup = Setup(LEADS, signal.rate, round(signal.rate * signal.seconds), reports)
    with torch.device("meta"):
        method: Method = load_object(info.model, info.folder)(config.model, setup)
    parts = {"all": method, "ECG encoder": getattr(method, "encoder", None)}
    parts["text encoder"] = getattr(method, "text", None)
    return {
        part: sum(p.numel() for p in module.parameters())
        for part, module in parts.items()
        if module is not None
    }


def said(card: str) -> dict[str, dict[str, str]]:
    """The card's line of parameters: ``PART: PROFILE SIZE M, ...; ...``."""
    (line,) = re.findall(r"^\| Parameters \| (.*) \|$", card, re.MULTILINE)
    return {
        part.strip(): dict(re.findall(r"(\w+) ([\d.]+) M", values))
        for part, values in re.findall(r"([\w ]+): ([^;(|]*)", line)
    }


def rounded(count: int) -> str:
    """Three digits, in millions."""
    return f"{count / 1e6:.3g}" if count < 1e8 else f"{count / 1e6:.0f}"


@pytest.mark.parametrize("name", SIZED)
def test_a_card_has_the_sizes_of_every_profile(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(towers, "pretrained_text_encoder", bert_base)
    found = {profile: sizes(name, profile) for profile in PROFILES}
    wanted = {
        part: {profile: rounded(found[profile][part]) for profile in PROFILES}
        for part in found["demo"]
    }
    assert said(card_of(BUILT_IN[name])) == wanted


@pytest.mark.parametrize("name", [*sorted(BUILT_IN), *sorted(ON_REQUEST)])
def test_a_card_is_complete(name: str) -> None:
    info = methods.get(name)
    assert missing_from_card(info) == []
    card = card_of(info)
    assert "| grade |" in card
    grades = set(re.findall(r"\| \[([A-Z])\] \|", card))
    assert grades
    assert grades <= set("PRCD")
    for grade in grades:
        assert f"[{grade}]" in card.split("Grades:")[1]


@pytest.mark.parametrize("name", ABLATED)
def test_a_card_names_its_ablations(name: str) -> None:
    info = BUILT_IN[name]
    card = card_of(info).split("## Ablations")[1]
    assert f"ecgbench ablate {name}" in card
    for variant in variants_of(info)[1:]:
        effective(info, "demo", variant.overrides)
        for override in variant.overrides:
            key, _, value = override.partition("=")
            assert key in card
            assert value.removesuffix(".0") in card
