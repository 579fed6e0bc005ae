"""What one cell of a table means: ids, ages, sexes, folds, labels.

A cell is read in one way or refused with the reason. Whatever is taken as unknown is counted.
"""

from __future__ import annotations

import ast
import json
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from ecgbench.base.errors import DataError

_BLANK = frozenset({"", "nan", "na", "n/a", "#n/a", "none", "null", "<na>", "nat"})
_WHOLE = re.compile(r"[0-9]+")
_FLOAT_ID = re.compile(r"([0-9]+)\.0+")
_ROUNDED_ID = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+")
_AGE = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
_DICOM_AGE = re.compile(r"([0-9]{1,3})([YMWD])", re.IGNORECASE)
_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
_OLDEST = 120.0
_SEX = {"male": "male", "m": "male", "female": "female", "f": "female"}
_NO_SEX = frozenset({"unknown", "u", "other", "o", "x"})
_FLAGS = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}
_FOLD = re.compile(r"([0-9]+)(?:\.0+)?")


def is_blank(text: str) -> bool:
    """Whether a cell holds nothing: empty, or what programs write for nothing (``nan``, ``NA``)."""
    return text.strip().lower() in _BLANK


def read_ids(texts: Iterable[str], where: str) -> list[str]:
    """Give each id one spelling; blanks become ''.

    ``12.0`` is 12: a column of whole numbers with blanks in it is often saved so.

    Args:
        texts: The cells.
        where: File and column, for the message.

    Raises:
        DataError: ``12`` and ``012`` stand in one column (nobody but the author knows whether they
            are one), or a spreadsheet has rounded an id (``1.2E+11``).
    """
    ids: list[str] = []
    for text in texts:
        stripped = text.strip()
        if _ROUNDED_ID.fullmatch(stripped):
            raise DataError(
                f"{where} has {stripped!r}: a spreadsheet has rounded this id.",
                "Format the column as text and save the table again.",
            )
        found = _FLOAT_ID.fullmatch(stripped)
        ids.append("" if is_blank(stripped) else found[1] if found else stripped)
    spellings: dict[str, str] = {}
    for one in dict.fromkeys(ids):
        if not _WHOLE.fullmatch(one):
            continue
        other = spellings.setdefault(one.lstrip("0"), one)
        if other != one:
            raise DataError(
                f"{where} has {other!r} and {one!r}: one id or two?",
                "Write each id in one way, and ids with leading zeros as text.",
            )
    return ids


def similar(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of names that differ only by case, blanks, ``.0`` or the form of their accents."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
        found = _FLOAT_ID.fullmatch(plain)
        groups[found[1] if found else plain].append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def read_age(text: str, also: Sequence[float] = ()) -> tuple[float, str | None]:
    """Read an age.

    Args:
        text: ``65``, ``65.5``, ``65,5``, DICOM's ``045Y`` (also months, weeks, days), or blank.
        also: Numbers beyond 120 that the source uses with a meaning.

    Returns:
        Years, NaN where not known; and the reason where something is written that is no age.
    """
    stripped = text.strip()
    if is_blank(stripped):
        return math.nan, None
    dicom = _DICOM_AGE.fullmatch(stripped)
    if dicom:
        return int(dicom[1]) * _YEARS[dicom[2].upper()], None
    years = float(stripped.replace(",", ".")) if _AGE.fullmatch(stripped) else math.nan
    if 0 <= years <= _OLDEST or years in also:
        return years, None
    return math.nan, f"age not known: {stripped}"


def read_sex(text: str) -> tuple[str, str | None]:
    """``male``, ``female`` or '' where not known; and the reason where that is written in words.

    Raises:
        ValueError: Any other word.
    """
    word = text.strip().lower()
    if is_blank(word):
        return "", None
    if word in _NO_SEX:
        return "", f"sex not known: {word}"
    if word not in _SEX:
        raise ValueError(f"the sex {text!r}")
    return _SEX[word], None


def read_fold(text: str) -> int:
    """Read a whole number.

    Raises:
        ValueError: Anything else.
    """
    found = _FOLD.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"the fold {text!r}")
    return int(found[1])


def read_flag(text: str) -> bool | None:
    """A cell of a column of 0 and 1; None for a blank.

    Raises:
        ValueError: Neither.
    """
    word = text.strip().lower()
    if is_blank(word):
        return None
    if word not in _FLAGS:
        raise ValueError(f"{text!r}")
    return _FLAGS[word]


def are_flags(texts: Sequence[str]) -> bool:
    """Whether a column holds 0, 1 and blanks alone: one class with its negatives."""
    given = {text.strip().lower() for text in texts if not is_blank(text)}
    return bool(given) and given <= _FLAGS.keys()


def read_codes(text: str, separator: str) -> dict[str, float]:
    """The labels of a cell, each with its likelihood (100 where none is written).

    Args:
        text: Labels with separators between them, a list, or a dict of label and likelihood as
            PTB-XL writes its ``scp_codes`` (a label counts whatever its likelihood).
        separator: Between labels.

    Raises:
        ValueError: A bracket that does not hold such a list or dict; says why.
    """
    stripped = text.strip()
    if is_blank(stripped):
        return {}
    if stripped[0] not in "{[":
        parts = (part.strip() for part in stripped.split(separator))
        return {part: 100.0 for part in parts if not is_blank(part)}
    value = _literal(stripped)
    if isinstance(value, dict):
        return {_code(code): _likelihood(number) for code, number in value.items()}
    return {_code(code): 100.0 for code in value}


def _literal(text: str) -> dict[Any, Any] | list[Any]:
    try:
        value = json.loads(text, object_pairs_hook=_once_each)
    except json.JSONDecodeError:
        try:
            node = ast.parse(text, mode="eval").body
            if isinstance(node, ast.Dict) and any(key is None for key in node.keys):
                raise ValueError("a dict that cannot be read")
            if isinstance(node, ast.Dict):
                _once_each([(ast.literal_eval(key), None) for key in node.keys if key is not None])
            value = ast.literal_eval(node)
        except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
            raise ValueError(f"{text[:80]!r}, which is no list and no dict") from error
    except RecursionError as error:
        raise ValueError(f"{text[:80]!r}, which is no list and no dict") from error
    if isinstance(value, set):
        return sorted(value, key=str)
    if not isinstance(value, dict | list):
        raise ValueError(f"{text[:80]!r}, which is no list and no dict")
    return value


def _once_each(pairs: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    keys = [key for key, _ in pairs]
    if len({str(key).strip() for key in keys}) != len(keys):
        raise ValueError(f"a label twice in one dict: {keys}")
    return dict(pairs)


def _code(value: Any) -> str:
    if isinstance(value, str) and not is_blank(value):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{value!r}, which is no label")


def _likelihood(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and math.isfinite(value) and 0 <= value <= 100:
        return float(value)
    raise ValueError(f"{value!r} beside a label, where a likelihood from 0 to 100 belongs")
