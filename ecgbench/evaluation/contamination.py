"""Whether a method may have seen the records that it is tested on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

COLLECTIONS = {
    "cinc2020": frozenset({"cpsc2018", "ptbxl"}),
    "cinc2021": frozenset({"cpsc2018", "csn", "ptbxl"}),
}
"""Data sets that hold others, whole: the PhysioNet/CinC challenges 2020 and 2021."""


def holds(name: str) -> frozenset[str]:
    """The families of records that a data set holds.

    A data set of the catalogue is of the family that its entry names; any other is its own.
    """
    from ecgbench.data.spec import datasets

    if name in COLLECTIONS:
        return COLLECTIONS[name]
    entry = datasets.entries().get(name)
    return frozenset({entry.value.family if entry and entry.value else name})


def declared_contamination(declared: Iterable[str], test_dataset: str) -> str | None:
    """Judge by names: weights that came with a method have seen whole data sets.

    Args:
        declared: Data sets that its card says they have seen.
        test_dataset: Data set of the task.

    Returns:
        The reason in words; None where no declared data set holds the task's.
    """
    guilty = sorted(name for name in declared if holds(name) & holds(test_dataset))
    if not guilty:
        return None
    return f"its weights have seen {', '.join(guilty)}, which holds the test records"


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
