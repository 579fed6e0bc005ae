"""Errors for the user: one clear line, and a hint.

The command line prints an :class:`EcgbenchError` without a traceback; any other exception is a bug in
ecgbench and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EcgbenchError(Exception):
    """A problem that the user can solve.

    Args:
        message: The problem in one line, with the name of its object.
        hint: What to do about it.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UnknownNameError(EcgbenchError):
    """A name that is not registered."""


class ConfigError(EcgbenchError):
    """An unknown configuration key, or an invalid value."""


class DataError(EcgbenchError):
    """Missing data, another version, or invalid content."""


class PluginError(EcgbenchError):
    """A method, task or data set that cannot be loaded."""


class NotApplicableError(EcgbenchError):
    """A protocol does not apply to this method with this configuration; the message states the reason."""


class StorageError(EcgbenchError):
    """A full or read-only disk. It ends the run because no method caused it."""


class MetricError(EcgbenchError):
    """Input for which a metric is undefined."""


class ResultError(EcgbenchError):
    """An invalid result or leaderboard."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint with the closest known name, or with all names if there are few.

    Args:
        name: The requested name.
        known: The existing names.

    Returns:
        One sentence.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return "Did you mean " + " or ".join(repr(item) for item in near) + "?"
    if not names:
        return "Nothing is registered."
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"Known: {shown}."
