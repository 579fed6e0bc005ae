"""Map a record's codes to classes.

A label set maps codes to classes. A record belongs to a class if it has one of the class's codes, regardless
of the code's likelihood. A record without any code of the label set is dropped from this label set. A code
may map to no class. A record with only such codes is labelled, as a negative of every class. Classes are
sorted by name, so their order does not depend on the order of a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class LabelTable:
    """The labels of the labelled records of a label set.

    Attributes:
        label_set: Its name.
        classes: Class names, in the order of the columns (sorted).
        record_ids: Ids, str [n].
        rows: Positions in the data set, int64 [n], ascending.
        values: 0 and 1, uint8 [n, classes].
    """

    label_set: str
    classes: tuple[str, ...]
    record_ids: npt.NDArray[np.str_]
    rows: npt.NDArray[np.int64]
    values: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LabelSet:
    """Classes and the codes that map to them.

    Attributes:
        name: Name of the set, e.g. ``sub``.
        classes: Names of the classes, sorted.
        classes_of: Classes of each code; empty for a code that marks a labelled negative. Other codes are
            ignored.
    """

    name: str
    classes: tuple[str, ...]
    classes_of: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, name: str, classes_of: Mapping[str, Iterable[str]]) -> LabelSet:
        """Build a set from the classes of each code."""
        pairs = {code: tuple(sorted(classes)) for code, classes in sorted(classes_of.items())}
        found = sorted({label for classes in pairs.values() for label in classes})
        return cls(name, tuple(found), pairs)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form, which :meth:`from_json` reads."""
        codes = {code: list(classes) for code, classes in self.classes_of.items()}
        return {"name": self.name, "classes": list(self.classes), "codes": codes}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> LabelSet:
        """Read what :meth:`to_json` wrote."""
        codes = {code: tuple(classes) for code, classes in value["codes"].items()}
        return cls(value["name"], tuple(value["classes"]), codes)

    def encode(self, codes: Sequence[Iterable[str]]) -> npt.NDArray[np.uint8]:
        """Mark the classes of each record.

        Args:
            codes: The codes of each record.

        Returns:
            uint8 [records, classes] of 0 and 1.
        """
        column = {label: position for position, label in enumerate(self.classes)}
        values = np.zeros((len(codes), len(self.classes)), dtype=np.uint8)
        for row, of_record in enumerate(codes):
            for code in of_record:
                for label in self.classes_of.get(code, ()):
                    values[row, column[label]] = 1
        return values

    def labelled(self, codes: Sequence[Iterable[str]]) -> npt.NDArray[np.bool_]:
        """Which records carry a code of the set, bool [records]: the others are dropped from it."""
        found = [any(code in self.classes_of for code in of_record) for of_record in codes]
        return np.array(found, dtype=np.bool_)


def scp_label_sets(statements: pd.DataFrame) -> dict[str, LabelSet]:
    """The six label sets of PTB-XL, from its ``scp_statements.csv``.

    ``super`` and ``sub`` are the classes and subclasses of the diagnostic statements; ``diagnostic``,
    ``form``, ``rhythm`` and ``all`` have one class per statement (Wagner et al. 2020, table 2).

    Args:
        statements: Indexed by statement, with the columns diagnostic, form, rhythm,
            diagnostic_class and diagnostic_subclass.
    """

    def flagged(column: str) -> list[str]:
        return [str(code) for code in statements.index[statements[column] == 1]]

    diagnostic = flagged("diagnostic")
    upper = statements["diagnostic_class"]
    lower = statements["diagnostic_subclass"]
    return {
        "super": LabelSet.of("super", {code: [str(upper[code])] for code in diagnostic}),
        "sub": LabelSet.of("sub", {code: [str(lower[code])] for code in diagnostic}),
        "form": LabelSet.of("form", {code: [code] for code in flagged("form")}),
        "rhythm": LabelSet.of("rhythm", {code: [code] for code in flagged("rhythm")}),
        "diagnostic": LabelSet.of("diagnostic", {code: [code] for code in diagnostic}),
        "all": LabelSet.of("all", {str(code): [str(code)] for code in statements.index}),
    }
