"""Reading one WFDB record: physical units by the header, leads by name.

wfdb is the reference. Most of its time goes into parsing headers, so the one shape that all our data
sets have (one ``.dat`` or ``.mat`` file, format 16, every lead in it) is parsed here, some ten times
faster; anything else is left to wfdb. A test holds both ways equal to the bit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError
from ecgbench.data.leads import canonical_lead

_RECORD_LINE = re.compile(
    r"^(?P<name>[\w.-]+)\s+(?P<leads>\d+)\s+(?P<rate>\d+(?:\.\d+)?)\s+(?P<samples>\d+)"
    r"(?:\s+[\d:./A-Za-z -]+)?$"  # time and date
)
_SIGNAL_LINE = re.compile(
    r"^(?P<file>\S+)\s+16(?:\+(?P<skip>\d+))?\s+(?P<gain>\d+(?:\.\d+)?)(?:\((?P<baseline>-?\d+)\))?"
    r"(?:/(?P<units>\S+))?\s+\d+\s+(?P<zero>-?\d+)\s+-?\d+\s+-?\d+\s+\d+\s+(?P<lead>\S.*)$"
)
_MISSING = np.int16(-32768)  # what format 16 writes for "no sample"


@dataclass(frozen=True)
class Recording:
    """One recording as its file has it.

    Attributes:
        signals: Physical values, float64 [leads, samples]; NaN where the file has no sample.
        leads: Name of each lead in the usual spelling.
        rate: Sampling rate, Hz.
        units: Unit of each lead as the header says it.
        gains: Counts per unit of each lead; None where the file does not hold counts.
        comments: Comment lines of the header, without ``#``.
    """

    signals: npt.NDArray[np.float64]
    leads: tuple[str, ...]
    rate: float
    units: tuple[str, ...]
    gains: npt.NDArray[np.float64] | None
    comments: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """The header of a record that is one format-16 file."""

    file: str
    skip: int
    rate: float
    samples: int
    leads: tuple[str, ...]
    units: tuple[str, ...]
    gains: npt.NDArray[np.float64]
    baselines: npt.NDArray[np.float64]
    comments: tuple[str, ...]


def read_recording(record: Path) -> Recording:
    """Read a WFDB record.

    Args:
        record: Path without a suffix, as wfdb takes it.

    Raises:
        DataError: The record is missing, torn or no WFDB record. The message is a reason for
            quarantine: a kind, a colon, the details.
    """
    try:
        text = record.with_name(record.name + ".hea").read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DataError(f"cannot read: {record.name}.hea: {error.strerror}") from error
    header = parse_header(text)
    return _read_fast(record.parent, header) if header else read_with_wfdb(record)


def parse_header(text: str) -> Header | None:
    """Parse a header of the usual shape; None for any other, which is wfdb's to read."""
    lines = [line.strip() for line in text.splitlines()]
    body = [line for line in lines if line and not line.startswith("#")]
    record = _RECORD_LINE.match(body[0]) if body else None
    signals = [_SIGNAL_LINE.match(line) for line in body[1:]]
    matched = [signal for signal in signals if signal is not None]
    if record is None or len(matched) != len(signals) or len(matched) != int(record["leads"]):
        return None
    if not matched or len({(signal["file"], signal["skip"]) for signal in matched}) != 1:
        return None
    gains = np.array([float(signal["gain"]) for signal in matched])
    if not gains.all():  # a gain of 0 means "not known" and has a rule of its own
        return None
    return Header(
        file=matched[0]["file"],
        skip=int(matched[0]["skip"] or 0),
        rate=float(record["rate"]),
        samples=int(record["samples"]),
        leads=tuple(canonical_lead(signal["lead"]) for signal in matched),
        units=tuple(signal["units"] or "mV" for signal in matched),
        gains=gains,
        baselines=np.array([float(signal["baseline"] or signal["zero"]) for signal in matched]),
        comments=tuple(line.lstrip("#").strip() for line in lines if line.startswith("#")),
    )


def _read_fast(folder: Path, header: Header) -> Recording:
    count = header.samples * len(header.leads)
    try:
        data = np.fromfile(folder / header.file, "<i2", count=count, offset=header.skip)
    except OSError as error:
        raise DataError(f"cannot read: {header.file}: {error.strerror or error}") from error
    if data.size != count or count == 0:
        raise DataError(f"torn: {header.file} has {data.size} of {count} samples")
    digital = data.reshape(header.samples, len(header.leads)).T
    signals = (digital.astype(np.float64) - header.baselines[:, None]) / header.gains[:, None]
    signals[digital == _MISSING] = np.nan
    return Recording(
        signals, header.leads, header.rate, header.units, header.gains, header.comments
    )


def read_with_wfdb(record: Path) -> Recording:
    """Read any WFDB record, by wfdb.

    Raises:
        DataError: wfdb cannot read it; carries wfdb's reason.
    """
    import wfdb

    try:
        read = wfdb.rdrecord(str(record))
        signals = np.ascontiguousarray(read.p_signal.T, dtype=np.float64)
    except Exception as error:  # wfdb raises whatever its parsers stumble over
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"cannot read: {record.name}: {reason}") from error
    return Recording(
        signals,
        tuple(canonical_lead(name) for name in read.sig_name),
        float(read.fs),
        tuple(read.units),
        np.asarray(read.adc_gain, dtype=np.float64),
        tuple(read.comments or ()),
    )


def read_array(file: Path, leads: tuple[str, ...], rate: float, unit: str) -> Recording:
    """Read a ``.npy`` file of [leads, samples]; all else about it is known from elsewhere.

    Raises:
        DataError: It is missing, no array of numbers, or has another number of leads.
    """
    try:
        signals = np.load(file, allow_pickle=False).astype(np.float64)
    except (OSError, ValueError, TypeError, EOFError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"cannot read: {file.name}: {reason}") from error
    if signals.ndim != 2 or signals.shape[0] != len(leads):
        raise DataError(
            f"lacks a lead: {file.name} is {signals.shape}, not ({len(leads)}, samples)"
        )
    return Recording(signals, leads, rate, (unit,) * len(leads), None, ())
