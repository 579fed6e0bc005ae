"""Reading one recording: physical units by the header, leads by name.

wfdb is the reference. Most of its time goes into parsing headers, so the one shape that all our data
sets have (one ``.dat`` or ``.mat`` file, format 16, every lead in it) is read here, some ten times
faster; anything else is left to wfdb. A test holds both ways equal to the bit.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgbench.base.errors import DataError
from ecgbench.data.leads import canonical_lead
from ecgbench.data.reading.headers import (
    Header,
    body_of,
    checked_units,
    header_doubts,
    header_text,
    parse_header,
)

_MISSING = np.int16(-32768)  # what format 16 writes for "no sample"
_DENSEST = 16  # samples per byte beyond which a header asks for more than any format holds
_INT16 = 30  # type of a MATLAB 4 matrix: little-endian int16


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
        doubts: Where header and signals do not fit each other.
    """

    signals: npt.NDArray[np.float64]
    leads: tuple[str, ...]
    rate: float
    units: tuple[str, ...]
    gains: npt.NDArray[np.float64] | None
    comments: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def read_recording(record: Path) -> Recording:
    """Read a WFDB record.

    Args:
        record: Path without a suffix, as wfdb takes it.

    Raises:
        DataError: The record is missing, torn, not calibrated or no WFDB record. The message is a
            reason for quarantine: a kind, a colon, the details.
    """
    text = header_text(record)
    header = parse_header(text)
    if header is None:
        return read_with_wfdb(record)
    checked_units(text)
    return _read_fast(record.parent, header)


def _read_fast(folder: Path, header: Header) -> Recording:
    count = header.samples * len(header.leads)
    file = folder / header.file
    try:
        held = (file.stat().st_size - header.skip) // 2
        if held < count:
            raise DataError(f"torn: {header.file} has {max(held, 0)} of {count} samples")
        _check_matlab(file, header)
        data = np.fromfile(file, "<i2", count=count, offset=header.skip)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read: {header.file}: {reason}") from error
    digital = data.reshape(header.samples, len(header.leads)).T
    signals = (digital.astype(np.float64) - header.baselines[:, None]) / header.gains[:, None]
    signals[digital == _MISSING] = np.nan
    doubts = header_doubts(header.first, header.checksums, digital, header.leads)
    if held > count:
        doubts += (f"longer than the header says: {header.file} has {held} samples, not {count}",)
    return Recording(
        signals, header.leads, header.rate, header.units, header.gains, header.comments, doubts
    )


def _check_matlab(file: Path, header: Header) -> None:
    """Refuse a MATLAB file that is not laid out as the header says.

    A MATLAB 4 file is a header of 20 bytes, a name and a matrix; MATLAB 5 is packed differently.
    """
    with file.open("rb") as handle:
        start = handle.read(20)
    if start.startswith(b"MATLAB 5.0"):
        raise DataError(f"other format: {file.name} is a MATLAB 5 file, the header says format 16")
    if file.suffix != ".mat" or len(start) < 20:
        return
    kind, rows, columns, _, name = struct.unpack("<5i", start)
    leads = len(header.leads)
    if (kind, header.skip) != (_INT16, 20 + name) or rows * columns < leads * header.samples:
        raise DataError(f"other format: {file.name} is no MATLAB 4 matrix as the header says")


def read_with_wfdb(record: Path) -> Recording:
    """Read any WFDB record, by wfdb.

    Several samples a frame are samples of a higher rate, if every lead has as many.

    Raises:
        DataError: wfdb cannot read it; carries wfdb's reason.
    """
    import wfdb

    try:
        text = header_text(record)
        header = wfdb.rdheader(str(record))
        if isinstance(header, wfdb.MultiRecord):
            return _of_segments(record, body_of(text)[1:])
        units = checked_units(text)
        _check_size(record, body_of(text))
        read = wfdb.rdrecord(str(record), physical=False, smooth_frames=False)
        frames = set(read.samps_per_frame)
        if len(frames) != 1:
            raise DataError(f"several rates in one record: {sorted(frames)} samples a frame")
        signals = np.ascontiguousarray(read.dac(expanded=True), dtype=np.float64)
        digital = np.stack(read.e_d_signal)
        leads = _names(read.sig_name)
        first, sums = tuple(read.init_value or ()), tuple(read.checksum or ())
        full = len(first) == len(leads) == len(sums) and None not in (*first, *sums)
        return Recording(
            signals,
            leads,
            float(read.fs) * frames.pop(),
            units,
            np.asarray(read.adc_gain, dtype=np.float64),
            tuple(read.comments or ()),
            header_doubts(first, sums, digital, leads) if full else (),
        )
    except DataError:
        raise
    except Exception as error:  # wfdb raises whatever its parsers stumble over
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"cannot read: {record.name}: {reason}") from error


def _of_segments(record: Path, segments: list[str]) -> Recording:
    """A record of several segments, put together by wfdb, which drops letters that are no ASCII."""
    import wfdb

    for segment in segments:
        name = segment.split()[0]
        lines = [] if name == "~" else body_of(header_text(record.with_name(name)))
        if not all(line.isascii() for line in lines):
            raise DataError(f"other unit: {name}.hea has letters that are no ASCII")
    read = wfdb.rdrecord(str(record))
    return Recording(
        np.ascontiguousarray(read.p_signal.T, dtype=np.float64),
        _names(read.sig_name),
        float(read.fs),
        tuple(read.units),
        None,
        tuple(read.comments or ()),
    )


def _names(names: list[str | None] | None) -> tuple[str, ...]:
    if not names or not all(names):
        raise DataError("no lead name: the header does not name its leads")
    return tuple(canonical_lead(str(name)) for name in names)


def _check_size(record: Path, body: list[str]) -> None:
    """Refuse a header that asks for more samples than its files can hold, before they are allocated."""
    numbers = re.match(r"^\S+\s+([0-9]+)\s+\S+\s+([0-9]+)", body[0])
    files = {line.split()[0] for line in body[1:]}
    held = sum(
        (record.parent / name).stat().st_size for name in files if (record.parent / name).is_file()
    )
    if numbers and int(numbers[1]) * int(numbers[2]) > held * _DENSEST:
        asked = int(numbers[1]) * int(numbers[2])
        raise DataError(f"torn: {record.name} has {held} bytes for {asked} samples")


def read_array(
    file: Path, layouts: tuple[tuple[str, ...], ...], rate: float, unit: str
) -> Recording:
    """Read a ``.npy`` file of [leads, samples]; all else about it is known from elsewhere.

    Args:
        file: The file.
        layouts: Names of its leads in order; the tuple that has as many as the file has rows counts.
        rate: Hz.
        unit: Unit of the values.

    Raises:
        DataError: It is missing, no array of real numbers, or has another number of leads.
    """
    try:
        found = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, TypeError, EOFError, SyntaxError, MemoryError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"cannot read: {file.name}: {reason}") from error
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "iuf":
        raise DataError(f"cannot read: {file.name}: it holds no real numbers")
    leads = next((names for names in layouts if found.shape[:1] == (len(names),)), None)
    if found.ndim != 2 or leads is None:
        wanted = " or ".join(str(len(names)) for names in layouts)
        turned = found.ndim == 2 and any(found.shape[1] == len(names) for names in layouts)
        hint = "; is it [samples, leads]?" if turned else ""
        raise DataError(
            f"lacks a lead: {file.name} is {found.shape}, not ({wanted}, samples){hint}"
        )
    signals = np.array(found, dtype=np.float64)
    return Recording(signals, leads, rate, (unit,) * len(leads), None, ())
