"""The prompt files: complete, specific to their class, and pinned."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from ecgbench.tasks.protocols.zero_shot.alignment import unit
from ecgbench.tasks.protocols.zero_shot.prompt_file import PromptFile, pinned_prompts, read_prompts
from ecgbench.tasks.protocols.zero_shot.settings import ZeroShotSettings
from ecgbench.tasks.protocols.zero_shot.text_space import tfidf_space
from ecgbench.tasks.protocols.zero_shot.zero_shot import ZeroShot, class_vectors
from report_world import make_world
from sklearn.metrics import roc_auc_score

from ecgbench.base.errors import EcgbenchError, NotApplicableError, PluginError
from ecgbench.data.labels import scp_label_sets
from ecgbench.metrics.clinical import lexicon
from ecgbench.metrics.words import words
from ecgbench.plugins.catalogue import protocols
from ecgbench.plugins.specs import ProtocolSpec
from ecgbench.simulated.statements import STATEMENTS

SPEC = protocols.get("zero-shot")
FOLDER = SPEC.folder / "prompts"
BY_FULL_NAME = {"settings": f"{ZeroShotSettings.__module__}:ZeroShotSettings"}
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
FILES = {name: read_prompts(FOLDER / f"{name}.yaml")[0] for name in NAMES}
CATALOGUE = SPEC.folder.parents[2] / "ecgbench" / "data" / "catalogue"

# A finer class's name holds a coarser one's; both are classes, and the words say which is which.
NESTED = {
    ("IRBBB", "CRBBB"),
    ("ILBBB", "CLBBB"),
    ("VCLVH", "LVH"),
    ("PSVT", "SVTAC"),
}
# What the lexicon of clinical F1 counts as one statement and a label set as two.
ONE_FOR_THE_LEXICON = {
    *(("LPR", "1AVB"), ("PRIE", "1AVB"), ("2AVB1", "2AVB"), ("VCLVH", "LVH")),
    *(("PSVT", "SVTAC"), ("IPLMI", "ILMI")),
}


def label_sets(name: str) -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    """Each label set of a file with the prompts of all classes that it can have."""
    file = FILES[name]
    for label_set, groups in file.label_sets.items():
        classes = sorted(set().union(*(file.groups[group] for group in groups)))
        if name.startswith("ptbxl"):
            classes = [c for c in classes if c in ptbxl_classes()[label_set]]
        yield label_set, file.of(label_set, classes)


def ptbxl_classes() -> dict[str, set[str]]:
    """Classes of each label set for the statements of the simulator (all real statements: see below)."""
    everything = set(FILES["ptbxl.en"].groups["statements"])
    own = [statement for statement in STATEMENTS.values() if statement.superclass]
    return {
        "super": {statement.superclass for statement in own},
        "sub": {statement.subclass for statement in own},
        "form": {s.code for s in STATEMENTS.values() if s.form},
        "rhythm": {s.code for s in STATEMENTS.values() if s.rhythm},
        "diagnostic": {s.code for s in own},
        "all": everything,
    }


def pairs(prompts: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str, str]]:
    for name, phrases in prompts.items():
        for other, phrase in itertools.product(set(prompts) - {name}, phrases):
            yield name, other, phrase


def test_every_class_of_ptbxl_has_prompts_in_both_languages(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "metadata" / "scp_statements.csv", index_col=0)
    sets = scp_label_sets(table)
    assert [len(sets[name].classes) for name in ("super", "sub", "all")] == [5, 23, 71]
    for name in ("ptbxl.en", "ptbxl.de"):
        for label_set, wanted in sets.items():
            assert tuple(FILES[name].of(label_set, wanted.classes)) == wanted.classes
        assert set(FILES[name].groups["statements"]) == set(table.index)
        groups = FILES[name].groups
        assert set(groups["super"]) < set(sets["super"].classes)
        assert set(groups["sub"]) < set(sets["sub"].classes)


def test_every_class_of_the_simulator_has_prompts() -> None:
    for label_set, classes in ptbxl_classes().items():
        assert set(FILES["ptbxl.en"].of(label_set, sorted(classes))) == classes


@pytest.mark.parametrize(("name", "count"), [("cpsc2018", 9), ("csn", 39)])
def test_every_class_of_the_other_data_sets_has_prompts(name: str, count: int) -> None:
    path = CATALOGUE / "labels" / f"{name}.yaml"
    sets: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    file = FILES[f"{name}.en"]
    assert len(sets["standard"]) == count
    assert set(file.label_sets) == set(sets)
    for label_set, classes in sets.items():
        assert set(file.of(label_set, list(classes))) == set(classes)
    assert set(file.groups["classes"]) == set(sets["standard"])


@pytest.mark.parametrize(("language", "mean"), [("en", 0.8), ("de", 0.7)])
def test_prompts_find_the_real_reports_of_their_class(
    shared_data: Path, language: str, mean: float
) -> None:
    """Text against text, no ECG: prompts mixed up between classes would come out at 0.5."""
    table = pd.read_csv(shared_data / "ptbxl-mini" / "ptbxl_database.csv").dropna(subset=["report"])
    codes = table["scp_codes"].map(ast.literal_eval)
    space = tfidf_space(list(table["report"]), 256)
    reports = unit(space.encode(list(table["report"])))
    prompts = FILES[f"ptbxl.{language}"].of("all", sorted(ptbxl_classes()["all"]))
    directions = class_vectors(prompts, lambda texts: unit(space.encode(texts)))
    figures = {}
    for name, direction in zip(prompts, directions, strict=True):
        carried = codes.map(lambda found, name=name: name in found).to_numpy()
        if carried.sum() >= 10:
            figures[name] = roc_auc_score(carried, reports @ direction)
    assert len(figures) > 35
    assert np.mean(list(figures.values())) > mean, figures


def test_one_file_serves_a_data_set_in_a_language() -> None:
    served = [(data, file.language) for file in FILES.values() for data in file.datasets]
    assert len(served) == len(set(served))
    assert {data for data, _ in served} == {
        *("ptbxl", "ptbxl-mini", "sim", "sim-20k", "cpsc2018", "csn")
    }
    assert ("sim", "de") not in served


@pytest.mark.parametrize("name", NAMES)
def test_each_class_has_two_short_plain_prompts_or_more(name: str) -> None:
    for group, classes in FILES[name].groups.items():
        for label, phrases in classes.items():
            place = f"{name} {group} {label}"
            assert len(phrases) >= 2, place
            assert len(set(map(tuple, map(words, phrases)))) == len(phrases), place
            for phrase in phrases:
                assert 1 <= len(words(phrase)) <= 11, place
                # planted once in the public lineage: a chat reply, a template, a list of attributes
                assert not re.search(r"let me know|\?|[{}]|\betc\b|e\.g\.|\bmay include\b", phrase)
                assert phrase.count(",") <= 1, place


@pytest.mark.parametrize("name", NAMES)
def test_no_prompt_holds_a_prompt_of_another_class(name: str) -> None:
    for label_set, prompts in label_sets(name):
        for label, other, phrase in pairs(prompts):
            if (label, other) in NESTED:
                continue
            said = f" {' '.join(words(phrase))} "
            for foreign in prompts[other]:
                assert f" {' '.join(words(foreign))} " not in said, (
                    f"{name} {label_set}: {phrase!r} of {label} names {other}"
                )


@pytest.mark.parametrize("name", NAMES)
def test_no_prompt_makes_the_statement_of_another_class(name: str) -> None:
    """By the lexicon of clinical F1, that knows both languages and was written for reports."""
    known = lexicon()
    seen = 0
    for label_set, prompts in label_sets(name):
        for label, phrases in prompts.items():
            for phrase in phrases:
                found = {known.codes[k] for k in known.find(phrase).nonzero()[0]}
                seen += bool(found)
                strange = {
                    code
                    for code in found & set(prompts) - {label}
                    if (label, code) not in ONE_FOR_THE_LEXICON
                }
                assert not strange, f"{name} {label_set}: {phrase!r} of {label} states {strange}"
    assert seen > 10


def test_the_protocol_pins_every_file_as_it_is() -> None:
    assert SPEC.of("en").prompts == {
        name: read_prompts(FOLDER / f"{name}.yaml")[1] for name in NAMES
    }


@pytest.fixture
def copy(tmp_path: Path) -> ProtocolSpec:
    """The protocol with prompt files that a test may change."""
    (tmp_path / "prompts").mkdir()
    for name in NAMES:
        text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
        (tmp_path / "prompts" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return SPEC.model_copy(update={"folder": tmp_path, **BY_FULL_NAME})


def change(spec: ProtocolSpec, old: str, new: str, name: str = "ptbxl.en") -> Path:
    path = spec.folder / "prompts" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_a_changed_phrase_is_refused_until_it_is_pinned_anew(copy: ProtocolSpec) -> None:
    world = make_world()
    ZeroShot(copy).run(world.bench(copy))
    path = change(copy, "[sinus bradycardia, ", "[sinus bradycardia below 60, ")
    with pytest.raises(
        EcgbenchError, match=r"ptbxl\.en are not those that zero-shot version 1 pins"
    ):
        ZeroShot(copy).run(world.bench(copy))
    pins = {**copy.params["prompts"], "ptbxl.en": read_prompts(path)[1]}
    anew = copy.model_copy(update={"params": {**copy.params, "prompts": pins}})
    ZeroShot(anew).run(world.bench(anew))
    assert anew.fingerprint() != copy.fingerprint()


def test_a_comment_changes_nothing(copy: ProtocolSpec) -> None:
    change(copy, "    # rhythm\n", "    # rhythm and pacing\n\n")
    assert pinned_prompts(copy, copy.of("en"), "ptbxl")[0] == "ptbxl.en"


@pytest.mark.parametrize(("dataset", "language"), [("mine", "en"), ("sim", "de"), ("ptbxl", "fr")])
def test_data_or_a_language_without_prompts_is_a_reason(dataset: str, language: str) -> None:
    with pytest.raises(
        NotApplicableError, match=f"no prompts in language '{language}' for {dataset}"
    ):
        pinned_prompts(SPEC, SPEC.of("en").replaced({"language": language}), dataset)


def test_a_class_without_prompts_is_named() -> None:
    with pytest.raises(EcgbenchError, match="No en prompts for ASYS of label set rhythm"):
        FILES["ptbxl.en"].of("rhythm", ["SR", "ASYS"])
    with pytest.raises(EcgbenchError, match="of label set colour"):
        FILES["ptbxl.en"].of("colour", ["SR"])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("version: 1", "", "version: field required"),
        ("version: 1", "versoin: 1\nversion: 1", "versoin: extra inputs"),
        ("[left anterior fascicular block, left anterior hemiblock]", "[]", r"LAFB: tuple should"),
        ("[left anterior fascicular block, ", "['', ", r"LAFB\.0: string should match"),
        ("  form: [statements]", "  form: [statemnts]", "label_sets names no group 'statemnts'"),
        ("language: en", "language: [en", "cannot be read"),
    ],
)
def test_a_broken_file_says_what_is_wrong(
    copy: ProtocolSpec, old: str, new: str, reason: str
) -> None:
    path = change(copy, old, new)
    with pytest.raises(PluginError, match=rf"ptbxl\.en\.yaml.*{reason}"):
        read_prompts(path)


def test_the_first_group_that_has_a_class_wins() -> None:
    file = PromptFile(
        version=1,
        language="en",
        datasets=("mine",),
        label_sets={"wide": ("wide", "narrow"), "narrow": ("narrow",)},
        groups={
            "wide": {"MI": ("any infarct",)},
            "narrow": {"MI": ("old infarct",), "SR": ("sinus",)},
        },
    )
    assert file.of("wide", ["SR", "MI"]) == {"SR": ("sinus",), "MI": ("any infarct",)}
    assert file.of("narrow", ["MI"]) == {"MI": ("old infarct",)}
