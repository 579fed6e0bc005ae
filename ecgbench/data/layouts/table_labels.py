"""The labels of a user's table: several in one column, or one column of 0 and 1 per class."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ecgbench.base.errors import DataError, did_you_mean
from ecgbench.data.labels import LabelSet
from ecgbench.data.layouts.table_content import Table, Told
from ecgbench.data.reading.cells import are_flags, is_blank, read_codes, read_flag, similar


class LabelOptions(BaseModel):
    """Where a label set stands in the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str | None = None
    separator: str = Field(default=";", min_length=1)
    columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_of_two(self) -> LabelOptions:
        if (self.column is None) == (not self.columns):
            raise ValueError("say either `column` or `columns`")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("a column stands there twice")
        return self


def read_labels(
    table: Table, options: Mapping[str, LabelOptions], ids: list[str], told: Told
) -> tuple[dict[str, LabelSet], list[str]]:
    """Read every label set.

    A code is the set's name, a colon, the class. A record that is labelled and in no class carries the
    code without a class: it is a negative of all.

    Returns:
        The sets; and the codes of each record, JSON.

    Raises:
        DataError: A column is missing, a cell cannot be read, or a set has no label.
    """
    of_record: list[dict[str, float]] = [{} for _ in ids]
    sets: dict[str, LabelSet] = {}
    for name, wanted in sorted(options.items()):
        found = _flagged(table, wanted, name, ids, told)
        if found is None:
            found = _listed(table, wanted, name, told)
        classes = sorted({label for labels in found if labels for label in labels})
        if wanted.columns:
            classes = sorted(wanted.columns)
        elif (
            not classes
            and wanted.column is not None
            and any(labels is not None for labels in found)
        ):
            classes = [wanted.column]  # zeros alone
        if all(labels is None for labels in found) or not classes:
            raise DataError(f"{table.file} has no label of the set {name!r}.")
        for group in similar(classes):
            told.notes.append(f"{name} has classes that may be one: {', '.join(map(repr, group))}")
        negatives = any(labels is not None and not labels for labels in found)
        code_of = {f"{name}:{label}": [label] for label in classes}
        sets[name] = LabelSet.of(name, {**code_of, f"{name}:": []} if negatives else code_of)
        for codes, labels in zip(of_record, found, strict=True):
            if labels is not None:
                named = {f"{name}:{label}": likelihood for label, likelihood in labels.items()}
                codes.update(named or {f"{name}:": 100.0})
    return sets, [json.dumps(codes, sort_keys=True) for codes in of_record]


Found = list[dict[str, float] | None]
"""The labels of each record with their likelihoods; None where the record is not labelled."""


def _flagged(
    table: Table, options: LabelOptions, name: str, ids: list[str], told: Told
) -> Found | None:
    """Columns of 0 and 1; None where the set is a column of labels."""
    if options.column is not None:
        if not are_flags(_column(table, options.column)):
            return None
        told.notes.append(f"{name}: {options.column!r} is read as one class of 0 and 1")
    names = options.columns or (str(options.column),)
    flags = {column: _flags(table, column) for column in names}
    found: Found = []
    for row, record in enumerate(ids):
        cells = {column: flags[column][row] for column in names}
        blank = [column for column, flag in cells.items() if flag is None]
        if blank and len(blank) < len(names):
            told.doubt(record, f"partly labelled: {name} lacks {', '.join(blank)}")
        labels = {column: 100.0 for column, flag in cells.items() if flag}
        found.append(None if blank else labels)
    return found


def _flags(table: Table, column: str) -> list[bool | None]:
    flags = []
    for row, text in enumerate(_column(table, column)):
        try:
            flags.append(read_flag(text))
        except ValueError as error:
            raise table.error(
                row, f"{error} in the column {column!r}", "Write 0, 1 or nothing."
            ) from error
    return flags


def _listed(table: Table, options: LabelOptions, name: str, told: Told) -> Found:
    found: Found = []
    column = str(options.column)
    texts = _column(table, column)
    for row, text in enumerate(texts):
        try:
            found.append(read_codes(text, options.separator) or None)
        except ValueError as error:
            raise table.error(
                row,
                f"the column {column!r} has {error}",
                "Write labels with a separator between them.",
            ) from error
    dicts = [labels for labels, text in zip(found, texts, strict=True) if text.startswith("{")]
    numbers = {number for labels in dicts if labels for number in labels.values()}
    if numbers == {0.0, 1.0}:
        raise DataError(
            f"{table.file}: the column {column!r} has dicts of 0 and 1, which may be likelihoods or "
            f"negatives.",
            "Write one column of 0 and 1 per class, or likelihoods from 0 to 100.",
        )
    if numbers:
        told.notes.append(f"{name}: a label counts whatever the likelihood beside it")
    if any(is_blank(text) and text for text in texts):
        told.notes.append(f"{name}: cells such as 'nan' or 'NA' are read as blank")
    return found


def _column(table: Table, name: str) -> list[str]:
    if name not in table.content.columns:
        raise DataError(
            f"{table.file} has no column {name!r}.", did_you_mean(name, table.content.columns)
        )
    return [str(cell) for cell in table.content[name]]
