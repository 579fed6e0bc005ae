"""Replicates: a figure's values on the resamples of the bootstrap, packed into the record.

A thousand values on an even grid of 65,535 levels between their least and greatest: the grid's error is
some 1e-5 of their range, far below what a thousand resamples can tell, and they take two bytes each.
"""

from __future__ import annotations

import base64
import binascii

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbench.base.errors import ResultError
from ecgbench.results.parts import Replicates

TOP = 65534
UNDEFINED = 65535


def pack(values: ArrayLike) -> Replicates:
    """Put values on their grid.

    Args:
        values: ``[resamples]``; NaN where the figure is undefined.
    """
    numbers = np.asarray(values, np.float64)
    defined = np.isfinite(numbers)
    low = float(numbers[defined].min()) if defined.any() else 0.0
    high = float(numbers[defined].max()) if defined.any() else 0.0
    # Rounded first, so that the grid is the one that the record's digits say.
    low = round(low, 10)
    step = max(round((high - low) / TOP, 15), 1e-15)
    levels = np.full(numbers.shape, UNDEFINED, "<u2")
    levels[defined] = np.rint((numbers[defined] - low) / step).clip(0, TOP).astype("<u2")
    return Replicates(low=low, step=step, levels=base64.b64encode(levels.tobytes()).decode())


def unpack(packed: Replicates) -> NDArray[np.float64]:
    """The values ``[resamples]``, NaN where undefined.

    Raises:
        ResultError: The text is no list of levels.
    """
    try:
        content = base64.b64decode(packed.levels, validate=True)
        levels = np.frombuffer(content, "<u2")
    except (binascii.Error, ValueError) as error:
        raise ResultError(f"Replicates cannot be read: {error}.") from error
    values: NDArray[np.float64] = packed.low + packed.step * levels.astype(np.float64)
    values[levels == UNDEFINED] = np.nan
    return values
