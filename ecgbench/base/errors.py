"""Errors meant for the user: one clear line, and what to do about it.

The command line prints an :class:`EcgbenchError` without a traceback; anything else is a bug of ours
and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EcgbenchError(Exception):
    """A problem that its reader can solve.

    Args:
        message: What is wrong, in one line that names the thing.
        hint: What to do about it.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UnknownNameError(EcgbenchError):
    """A name that nothing is registered under."""


class ConfigError(EcgbenchError):
    """A configuration key or value that does not exist or does not fit."""


class DataError(EcgbenchError):
    """Data that is missing, of another version, or not what it says."""


class PluginError(EcgbenchError):
    """A method, task or data set that cannot be loaded."""


class NotApplicableError(EcgbenchError):
    """A protocol cannot be put to this method as it is configured; the message says why."""


class StorageError(EcgbenchError):
    """A disk that is full or cannot be written to: no method's failure, so it ends a run."""


class MetricError(EcgbenchError):
    """Input that a metric is not defined for."""


class ResultError(EcgbenchError):
    """A result or a leaderboard that is not what it claims."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest of the known names, or all of a few.

    Args:
        name: What was asked for.
        known: What exists.

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
