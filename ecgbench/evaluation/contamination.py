"""Whether a method may have seen the records that it is tested on.

``collections.yaml`` lists the public data sets that are no entry of the catalogue, and the collections
that hold others.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from ecgbench.base.errors import ConfigError, did_you_mean

UNKNOWN = "unknown"
"""Declared for weights whose training data nobody knows."""
PRIVATE = "private-"
"""What the name of a declared data set begins with that nobody else has."""


@dataclass(frozen=True)
class _Lists:
    """The content of ``collections.yaml``, its names without case, blanks and signs.

    Attributes:
        parts: The data sets of each collection; a known data set is its own part.
        other_names: Another name -> the name.
        names: As written, for messages.
    """

    parts: dict[str, tuple[str, ...]]
    other_names: dict[str, str]
    names: tuple[str, ...]


def holds(name: str) -> frozenset[str]:
    """The families of records that a data set or a collection holds, as plain names.

    A data set of the catalogue is of the family that its entry names; any other is its own.
    """
    from ecgbench.data.spec import datasets

    families = {
        _plain(known): _plain(entry.value.family)
        for known, entry in datasets.entries().items()
        if entry.value is not None
    }
    lists = _lists()
    chosen = lists.other_names.get(_plain(name), _plain(name))
    family = families.get(chosen, chosen)
    parts = lists.parts.get(family, (family,))
    return frozenset(parts) if parts == (family,) else frozenset().union(*map(holds, parts))


def is_known(name: str) -> bool:
    """Whether a declared name says which records were seen."""
    from ecgbench.data.spec import datasets

    lists, plain = _lists(), _plain(name)
    if name.startswith(PRIVATE) or plain in lists.parts or plain in lists.other_names:
        return True
    return plain in {_plain(known) for known in datasets.entries()}


def check_declared(declared: Iterable[str]) -> None:
    """Refuse a declaration that cannot be judged.

    Raises:
        ConfigError: A name that neither the catalogue nor the list of collections has.
    """
    from ecgbench.data.spec import datasets

    for name in declared:
        if name != UNKNOWN and not is_known(name):
            near = did_you_mean(name, {*datasets.entries(), *_lists().names, UNKNOWN})
            raise ConfigError(
                f"No list of data sets has {name!r}, which the weights are said to be trained on.",
                f"{near} Write `{PRIVATE}NAME` for data that nobody else has, `{UNKNOWN}` if you do "
                f"not know.",
            )


def declared_contamination(declared: Iterable[str], test_dataset: str) -> str | None:
    """Judge by names: weights from outside have seen whole data sets.

    Args:
        declared: Data sets and collections that the weights are said to have seen.
        test_dataset: Data set of the task.

    Returns:
        The reason in words: a declared name holds the task's records, or says nothing about them. None
        where every declared data set is known and holds none of them.
    """
    names = sorted(set(declared))
    guilty = [name for name in names if holds(name) & holds(test_dataset)]
    if guilty:
        return f"its weights have seen {', '.join(guilty)}, which holds the test records"
    unjudged = [name for name in names if name == UNKNOWN or not is_known(name)]
    if unjudged:
        return f"its weights may have seen the test records: trained on {', '.join(unjudged)}"
    return None


@functools.cache
def _lists() -> _Lists:
    from ecgbench.data.reading.yamls import read_yaml

    content = read_yaml(Path(__file__).with_name("collections.yaml"), words=True)
    parts: dict[str, tuple[str, ...]] = {_plain(name): (_plain(name),) for name in content["known"]}
    parts |= {
        _plain(name): tuple(_plain(part) for part in made_of)
        for name, made_of in content["collections"].items()
    }
    other = {_plain(name): _plain(known) for name, known in content["other_names"].items()}
    names = (*content["known"], *content["collections"], *content["other_names"])
    return _Lists(parts, other, names)


def _plain(name: str) -> str:
    """A name without case, blanks and signs; `PTB-XL` is `ptbxl`."""
    return re.sub(r"[^a-z0-9%]", "", name.lower())


def seen_records(
    trained: Iterable[tuple[str, Callable[[], Collection[str]]]],
    test_dataset: str,
    test_records: Collection[str],
) -> str | None:
    """Judge by record ids: what the harness itself trains on.

    Args:
        trained: Data sets with what gives the ids of the records that are trained on; it is asked
            only where the data set shares records with the task's.
        test_dataset: Data set of the task.
        test_records: Ids of its test records.

    Returns:
        The reason in words; None where no test record is trained on.
    """
    tested = holds(test_dataset)
    wanted = set(test_records)
    for name, records in trained:
        both = wanted.intersection(records()) if holds(name) & tested else set()
        if both:
            return f"{len(both)} test records are among those of {name} that it was trained on"
    return None
