"""What a record claims of itself, held against what this ecgbench knows: names, questions, settings.

Nothing here reads predictions or labels.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ecgbench.leaderboard.questions import Identity
from ecgbench.results.schema import Result

if TYPE_CHECKING:
    from ecgbench.plugins.specs import ProtocolSpec

METHOD = re.compile(r"[a-z0-9][a-z0-9_.-]*")
CORPUS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
TITLE = re.compile(r"[ -~]+")
NOTES = (
    re.compile(
        r"Aligned post hoc to [\w.@ -]{1,80} on \d{1,9} training reports: "
        r"the method has no text tower\."
    ),
    re.compile(
        r"Track merl: published figures of this lineage may be of the best test epoch; "
        r"this one is of the (best validation|last) epoch\."
    ),
)
"""The sentences that the protocols of this project write under a table."""


def names_problems(result: Result) -> Iterator[str]:
    """Names that look like others': a letter of another alphabet, or a row's name as a method's."""
    if not METHOD.fullmatch(result.method.name):
        yield f"its method name {result.method.name!a} is not made of a-z, 0-9, '_', '.' and '-'"
    if not TITLE.fullmatch(result.method.title):
        yield f"its title {result.method.title!a} is not plain ASCII"
    for corpus in result.pretraining.datasets:
        if not CORPUS.fullmatch(corpus):
            yield f"its corpus {corpus!a} is no name of a data set"


def shared_titles(results: Iterable[Result]) -> Iterator[tuple[str, str]]:
    """Titles that several methods have, and methods that have several titles.

    Yields:
        A cell, and what is wrong with its title.
    """
    names: defaultdict[str, dict[str, str]] = defaultdict(dict)
    titles: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for result in results:
        title = " ".join(result.method.title.casefold().split())
        names[title].setdefault(result.method.name, result.key)
        titles[result.method.name].setdefault(title, result.key)
    for title, keys in names.items():
        if len(keys) > 1:
            for name in sorted(keys):
                others = ", ".join(sorted(keys.keys() - {name}))
                yield keys[name], f"shares its title {title!r} with {others}"
    for name, by_title in titles.items():
        if len(by_title) > 1:
            told = ", ".join(map(repr, sorted(by_title)))
            yield next(iter(by_title.values())), f"{name} has several titles: {told}"


def unknown_questions(result: Result, pins: Mapping[str, Identity]) -> Iterator[str]:
    """Names of the question that neither this ecgbench nor the board knows, and draws beyond its own.

    Args:
        result: The record.
        pins: The questions that the board pins.
    """
    from ecgbench.plugins.catalogue import protocols, tasks

    task = tasks.entries().get(result.task.name)
    protocol = protocols.entries().get(result.protocol.name)
    spec = protocol.value if protocol else None
    if spec and result.protocol.variant in spec.variants:
        draws = spec.draws(result.protocol.variant)
        if result.draw >= draws:
            yield f"has draw {result.draw}; {result.cell} has draws 0 to {draws - 1}"
    if result.cell in pins:
        return
    if task is None:
        yield f"answers the unknown task {result.task.name!r}"
    if spec is None:
        yield f"was evaluated by the unknown protocol {result.protocol.name!r}"
    elif result.protocol.variant not in spec.variants:
        yield f"is of the variant {result.protocol.variant!r}; {spec.name} has no such variant"


def unknown_corpora(result: Result) -> Iterator[str]:
    """Corpora that are neither in the catalogue of data sets nor declared as seen by published weights."""
    from ecgbench.data.spec import datasets
    from ecgbench.plugins.catalogue import methods

    entry = methods.entries().get(result.method.name)
    card = entry.value.pretrained_on if entry and entry.value else ()
    known = {*datasets.entries(), *card, *result.pretraining.declared}
    for corpus in result.pretraining.datasets:
        if corpus not in known:
            yield f"was pre-trained on the unknown data set {corpus!r}"


def own_words(result: Result) -> Iterator[str]:
    """Notes that no protocol of this project writes: tables would print them as the harness's words."""
    for note in result.notes:
        if not any(known.fullmatch(note) for known in NOTES):
            yield f"has a note that no protocol writes: {note[:200]!a}"


def holes(results: Iterable[Result]) -> Iterator[tuple[str, str]]:
    """Rows whose seeds do not count from 0 without holes, or whose seeds lack a draw of the protocol.

    Yields:
        A row and question, and what is missing.
    """
    from ecgbench.plugins.catalogue import protocols

    runs: defaultdict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        runs[result.row, result.cell].append(result)
    for (row, cell), members in sorted(runs.items()):
        seeds = {result.seed for result in members}
        if missing := sorted(set(range(max(seeds) + 1)) - seeds):
            yield f"{row}/{cell}", f"lacks seed {missing[0]}: seeds count from 0"
        said = members[0].protocol
        entry = protocols.entries().get(said.name)
        spec = entry.value if entry else None
        if spec is None or said.variant not in spec.variants:
            continue
        draws = spec.draws(said.variant)
        there = {(result.seed, result.draw) for result in members}
        declined = {result.seed for result in members if result.status == "not-applicable"}
        absent = {(s, d) for s in seeds - declined for d in range(draws)} - there
        if absent:
            seed, draw = min(absent)
            yield f"{row}/{cell}", f"lacks seed {seed} draw {draw}: it has draws 0 to {draws - 1}"


def settings_problems(result: Result) -> Iterator[str]:
    """What a record says twice, and differently: its variant, and what it was pre-trained on."""
    from ecgbench.config.effective import in_a_rows_name

    wanted = ",".join(sorted(one for one in result.overrides if in_a_rows_name(one)))
    if result.overrides and wanted != result.method.variant:
        yield f"calls its variant {result.method.variant!r}; its overrides make {wanted!r}"
    settings = result.config.get("pretrain")
    if not settings:
        return
    said = result.pretraining
    steps = settings.get("steps", said.steps)
    if steps != said.steps:
        yield f"says {said.steps} steps of pre-training; its configuration has {steps}"
    if steps and not said.datasets:
        yield "was pre-trained by its configuration, and says on nothing"
    if not steps and set(said.datasets) != set(said.declared):
        trained = ", ".join(sorted(set(said.datasets) - set(said.declared)))
        yield f"was not pre-trained by its configuration, and says on {trained or 'other data sets'}"
    named = {*_names(settings.get("data")), *_names(settings.get("before"))} if steps else set()
    if missing := sorted(named - set(said.datasets)):
        yield f"was pre-trained on {', '.join(missing)} by its configuration, and does not say so"


def _names(setting: object) -> Iterator[str]:
    """Names of data sets in a setting: one, a list, or none."""
    if isinstance(setting, str):
        yield setting
    elif isinstance(setting, (list, tuple)):
        yield from (str(one) for one in setting)


def registry_differences(result: Result) -> Iterator[str]:
    """Fingerprints against the task and protocol of that name and version that this ecgbench has."""
    from ecgbench.plugins.catalogue import protocols, tasks

    task = tasks.entries().get(result.task.name)
    protocol = protocols.entries().get(result.protocol.name)
    spec = protocol.value if protocol else None
    if task and task.value and task.value.version == result.task.version:
        known = spec is not None and result.protocol.variant in spec.variants
        asked = task.value.under(spec.of(result.protocol.variant) if spec and known else None)
        if asked.fingerprint() != result.task.fingerprint:
            yield f"its task fingerprint is not that of {result.task.name} {result.task.version}"
        if (asked.dataset, asked.labels) != (result.task.dataset, result.task.label_set):
            yield f"{result.task.name} is a question on {asked.dataset} {asked.labels}"
        if asked.mapping != result.task.mapping:
            yield f"{result.task.name} maps its classes otherwise"
    if spec and spec.version == result.protocol.version:
        name = f"{result.protocol.name} {result.protocol.version}"
        if spec.fingerprint() != result.protocol.fingerprint:
            yield f"its protocol fingerprint is not that of {name}"
        elif result.protocol.variant in spec.variants:
            yield from _said_otherwise(result, spec)


def _said_otherwise(result: Result, spec: ProtocolSpec) -> Iterator[str]:
    """What tables read of a protocol, and its fingerprint alone does not hold a record to."""
    said = result.protocol
    for what, here, there in (
        ("chance", spec.chance, said.chance),
        ("track", spec.track, said.track),
        ("kind of predictions", spec.predicts, said.predicts),
        ("group of test records", spec.only(said.variant), said.only),
    ):
        if here != there:
            yield f"says that its {what} is {there!r}; {said.name} has {here!r}"
