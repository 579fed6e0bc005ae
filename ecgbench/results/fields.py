"""Types of the fields of a record, each with its bounds.

A record of someone else's must not make a reader slow or break a computation, so every number, text and
list has a bound far beyond any honest value.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from ecgbench.results.limits import LONGEST_TEXT, bounded

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
FileName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9@+=,_%~-][A-Za-z0-9@+=,_.%~-]{0,249}$")
]
Names = Annotated[tuple[str, ...], Field(max_length=1000)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Version = Annotated[int, Field(ge=0, le=10**6)]
Real = Annotated[float, Field(ge=-1e12, le=1e12)]
Amount = Annotated[float, Field(ge=0, le=1e12)]
MOST_SEEDS = 10_000
MOST_RESAMPLES = 10_000
LEVELS = -(-2 * MOST_RESAMPLES // 3) * 4  # characters of base64 for two bytes a resample
STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_max_length=LONGEST_TEXT)
"""Of every part of a record: frozen, without unknown keys, NaN or infinity, and with bounded texts."""


def _group(only: dict[str, Any]) -> dict[str, Any]:
    """A group of records is told by plain values: one, or two numbers, by column."""
    for column, wanted in only.items():
        span = isinstance(wanted, (list, tuple))
        values = wanted if span else (wanted,)
        if (span and len(values) != 2) or not all(_is_plain(one, span) for one in values):
            raise ValueError(f"{column[:80]} is one value, or two numbers: from and below")
    return only


def _is_plain(value: Any, in_span: bool) -> bool:
    """Whether a column can equal a value, or in a span, lie above or below it."""
    if isinstance(value, (str, bool)):
        return not in_span
    return isinstance(value, (int, float)) and abs(value) <= 1e12


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """Settings stand in sections, which are mappings; beside them stands the name of the profile."""
    for section, settings in config.items():
        if section != "profile" and not isinstance(settings, dict):
            raise ValueError(f"{section[:80]} is a section of settings, not {settings!r:.80}")
    return bounded(config)


Group = Annotated[dict[str, Any], Field(max_length=20), AfterValidator(_group)]
Settings = Annotated[dict[str, Any], AfterValidator(_settings)]
Choices = Annotated[dict[str, Any], AfterValidator(bounded)]


def levels_in(text: str) -> int | None:
    """How many levels of two bytes a text in base64 holds; None where it holds no whole number of them."""
    count, rest = divmod(len(text) // 4 * 3 - text[-2:].count("="), 2)
    return None if rest or len(text) % 4 else count
