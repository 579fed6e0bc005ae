"""The content of a user's table, and what was odd in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ecgbench.base.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Told:
    """What was odd in the table: by record, and as a whole."""

    doubts: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def doubt(self, record: str, reason: str | None) -> None:
        """Note why a record is doubtful; None: it is not."""
        if reason is not None:
            self.doubts.setdefault(record, []).append(reason)


@dataclass(frozen=True)
class Table:
    """The table with its columns under our names for them."""

    content: pd.DataFrame
    columns: dict[str, str]
    file: Path

    def has(self, name: str) -> bool:
        """Whether the table has a column of ours."""
        return self.columns.get(name, name) in self.content.columns

    def texts(self, name: str) -> list[str]:
        """The cells of a column; '' for each record where there is none."""
        column = self.columns.get(name, name)
        if column in self.content.columns:
            return [str(cell) for cell in self.content[column]]
        if name in self.columns:
            raise DataError(
                f"{self.file} has no column {column!r} for {name}.",
                did_you_mean(column, self.content.columns),
            )
        return [""] * len(self.content)

    def where(self, name: str) -> str:
        """File and column, for messages."""
        return f"{self.file}, column {self.columns.get(name, name)!r},"

    def error(self, row: int, what: str, hint: str) -> DataError:
        """An error of one row: names its line."""
        return DataError(f"{self.file}, line {self.content.index[row]}: {what}.", hint)
