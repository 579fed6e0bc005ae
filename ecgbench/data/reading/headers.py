"""WFDB headers: the shape that most data sets have, and what a header may not say.

wfdb reads every other shape, but drops letters that are no ASCII (the unit ``µV`` becomes ``V``), takes
200 counts per mV for a gain that is missing or 0, and accepts negative gains. Units are therefore read
here in both cases, and such gains are refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError
from ecgbench.data.leads import canonical_lead

_RECORD_LINE = re.compile(
    r"^(?P<name>[\w.-]+)\s+(?P<leads>[0-9]+)\s+(?P<rate>[0-9]+(?:\.[0-9]+)?)\s+(?P<samples>[0-9]+)"
    r"(?:\s+[\d:./A-Za-z -]+)?$"  # time and date
)
_SIGNAL_LINE = re.compile(
    r"^(?P<file>\S+)\s+16(?:\+(?P<skip>[0-9]+))?\s+(?P<gain>[0-9]+(?:\.[0-9]+)?)"
    r"(?:\((?P<baseline>-?[0-9]+)\))?(?:/(?P<units>\S+))?\s+[0-9]+\s+(?P<zero>-?[0-9]+)"
    r"\s+(?P<first>-?[0-9]+)\s+(?P<checksum>-?[0-9]+)\s+[0-9]+\s+(?P<lead>\S.*)$"
)
_GAIN = re.compile(r"^(?P<gain>[^(/]*)(?:\([^)]*\))?(?:/(?P<units>\S+))?$")


@dataclass(frozen=True)
class Header:
    """The header of a record that is one format-16 file.

    Attributes:
        file: Name of the signal file, beside the header.
        skip: Bytes before the first sample.
        rate: Hz.
        samples: Of each lead.
        leads: Names in the usual spelling.
        units: As written; ``mV`` where nothing is written.
        gains: Counts per unit.
        baselines: Counts at 0 units.
        first: The first sample of each lead, counts.
        checksums: Sum of each lead's samples modulo 65,536.
        comments: Comment lines without ``#``.
    """

    file: str
    skip: int
    rate: float
    samples: int
    leads: tuple[str, ...]
    units: tuple[str, ...]
    gains: npt.NDArray[np.float64]
    baselines: npt.NDArray[np.float64]
    first: tuple[int, ...]
    checksums: tuple[int, ...]
    comments: tuple[str, ...]


def header_text(record: Path) -> str:
    """The text of a record's header: UTF-8, or Latin-1 as older programs write it.

    Raises:
        DataError: There is none; the message is a reason for quarantine.
    """
    try:
        data = record.with_name(record.name + ".hea").read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read: {record.name}.hea: {reason}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def body_of(text: str) -> list[str]:
    """The lines of a header that are no comment."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def parse_header(text: str) -> Header | None:
    """Parse a header of the usual shape; None for any other, which is wfdb's to read."""
    body = body_of(text)
    record = _RECORD_LINE.match(body[0]) if body else None
    signals = [_SIGNAL_LINE.match(line) for line in body[1:]]
    matched = [signal for signal in signals if signal is not None]
    if record is None or len(matched) != len(signals) or len(matched) != int(record["leads"]):
        return None
    if not matched or len({(signal["file"], signal["skip"]) for signal in matched}) != 1:
        return None
    if int(record["samples"]) == 0:  # not known: the file's size says it
        return None
    comments = (line.strip() for line in text.splitlines() if line.strip().startswith("#"))
    return Header(
        file=matched[0]["file"],
        skip=int(matched[0]["skip"] or 0),
        rate=float(record["rate"]),
        samples=int(record["samples"]),
        leads=tuple(canonical_lead(signal["lead"]) for signal in matched),
        units=tuple(signal["units"] or "mV" for signal in matched),
        gains=np.array([float(signal["gain"]) for signal in matched]),
        baselines=np.array([float(signal["baseline"] or signal["zero"]) for signal in matched]),
        first=tuple(int(signal["first"]) for signal in matched),
        checksums=tuple(int(signal["checksum"]) for signal in matched),
        comments=tuple(line.lstrip("#").strip() for line in comments),
    )


def checked_units(text: str) -> tuple[str, ...]:
    """Units of a header's signal lines, after a look at their gains.

    Raises:
        DataError: A gain is missing, 0, negative or no number; a reason for quarantine.
    """
    units = []
    for line in body_of(text)[1:]:
        fields = line.split()
        found = _GAIN.match(fields[2]) if len(fields) > 2 else None
        try:
            gain = float(found["gain"]) if found else math.nan
        except ValueError:
            gain = math.nan
        if not math.isfinite(gain) or gain == 0:
            raise DataError(f"uncalibrated: no gain in {line[:80]!r}")
        if gain < 0:
            raise DataError(f"uncalibrated: negative gain in {line[:80]!r}")
        units.append((found["units"] if found else None) or "mV")
    return tuple(units)


def header_doubts(
    header_first: tuple[int, ...],
    header_sums: tuple[int, ...],
    digital: npt.NDArray[np.integer],
    leads: tuple[str, ...],
) -> tuple[str, ...]:
    """Where the header's initial values and checksums are not those of the signals.

    A header with zeros alone did not fill these fields.

    Args:
        header_first: The first sample of each lead by the header.
        header_sums: The checksum of each lead by the header.
        digital: Counts [leads, samples].
        leads: Names.
    """
    doubts = []
    if any(header_sums):
        sums = digital.sum(axis=1, dtype=np.int64)
        wrong = [
            lead
            for lead, given, found in zip(leads, header_sums, sums, strict=True)
            if (int(found) - given) % 65536
        ]
        doubts += [f"checksum: {' '.join(wrong)}"] if wrong else []
    if any(header_first):
        wrong = [
            lead
            for lead, given, found in zip(leads, header_first, digital[:, 0], strict=True)
            if int(found) != given
        ]
        doubts += [f"initial value: {' '.join(wrong)}"] if wrong else []
    return tuple(doubts)
