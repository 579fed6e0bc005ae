"""WFDB files (format 16) written directly: wfdb's own writer is some twenty times slower."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgbench.simulated.geometry import FILE_LEADS

#: Units per mV in the files, as in PTB-XL.
GAIN = 1000


def quantise(signal: NDArray[np.float64]) -> NDArray[np.int16]:
    """Round leads [12, samples] in mV to int16 units of 1 uV.

    I and II are rounded and the other limb leads computed from them, so that the identities hold
    in the files: III = II - I exactly, the augmented leads to half a unit.
    """
    units = np.rint(np.clip(signal, -16.0, 16.0) * GAIN).astype(np.int32)
    one, two = units[0], units[1]
    units[2] = two - one
    units[3] = -((one + two) // 2)
    units[4] = (2 * one - two) // 2
    units[5] = (2 * two - one) // 2
    return units.astype("<i2")


def write_record(path: Path, units: NDArray[np.int16], rate: int) -> None:
    """Write `path`.hea and `path`.dat.

    Args:
        path: Without suffix; its name is the record's.
        units: Leads [12, samples] in units of 1 uV.
        rate: Samples per second.
    """
    name = path.name
    lines = [f"{name} {len(FILE_LEADS)} {rate} {units.shape[1]}"]
    for lead, values in zip(FILE_LEADS, units, strict=True):
        checksum = int(values.astype(np.int64).sum()) & 0xFFFF
        first = int(values[0])
        lines.append(f"{name}.dat 16 {GAIN}.0(0)/mV 16 0 {first} {checksum} 0 {lead}")
    path.with_name(name + ".hea").write_text("\n".join(lines) + "\n", newline="\n")
    path.with_name(name + ".dat").write_bytes(units.T.astype("<i2").tobytes())
