"""Whether test labels may be read now: not while a method is trained or a protocol predicts.

A guard against accidents, not against malice: code that runs as the user can read the user's files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ecgbench.base.errors import EcgbenchError

_withheld = False


@contextmanager
def labels_withheld() -> Iterator[None]:
    """Refuse every reading of test labels inside the block."""
    global _withheld
    before, _withheld = _withheld, True
    try:
        yield
    finally:
        _withheld = before


def refuse_if_withheld(what: str) -> None:
    """Stop a reading of test labels.

    Args:
        what: Names what was asked for.

    Raises:
        EcgbenchError: Test labels are withheld now.
    """
    if _withheld:
        raise EcgbenchError(
            f"{what} holds test labels, and cannot be read while a cell is predicted.",
            "A protocol uses what its bench hands over: labelled(), reports(), features(), signals().",
        )
