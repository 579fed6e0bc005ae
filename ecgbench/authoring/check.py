"""`ecgbench check NAME`: test a method against all laws, without pytest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal
from unittest import SkipTest

from ecgbench.base.errors import EcgbenchError


@dataclass(frozen=True)
class Finding:
    """Outcome of one law.

    Attributes:
        law: Name of the law in words.
        outcome: ``kept``, ``broken`` or ``does not apply``.
        reason: Reason of the last two outcomes.
        seconds: Duration.
    """

    law: str
    outcome: Literal["kept", "broken", "does not apply"]
    reason: str = ""
    seconds: float = 0.0


def check_method(name: str, only: str = "*") -> Iterator[Finding]:
    """Test a method against the laws of :class:`ecgbench.authoring.laws.MethodLaws`.

    Args:
        name: Registered name.
        only: Shell pattern; only laws with a matching name are tested.

    Raises:
        UnknownNameError: No method has this name.
        PluginError: The method cannot be imported.
    """
    from ecgbench.plugins.catalogue import methods

    methods.get(name)
    from ecgbench.authoring.laws import MethodLaws

    laws = MethodLaws()
    laws.method = name
    for test in sorted(test for test in dir(MethodLaws) if test.startswith("test_")):
        law = test.removeprefix("test_").replace("_", " ")
        if not fnmatchcase(law, only):
            continue
        started = time.perf_counter()
        outcome, reason = _outcome_of(laws, test)
        yield Finding(law, outcome, reason, time.perf_counter() - started)


def _outcome_of(laws: object, test: str) -> tuple[Literal["kept", "broken", "does not apply"], str]:
    try:
        getattr(laws, test)()
    except SkipTest as skipped:
        return "does not apply", str(skipped)
    except AssertionError as broken:
        return "broken", str(broken)
    except EcgbenchError as error:
        return "broken", error.message
    except Exception as error:  # an author's code may fail in any way
        return "broken", f"{type(error).__name__}: {error}".splitlines()[0]
    return "kept", ""
