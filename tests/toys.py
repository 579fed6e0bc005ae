"""Methods that exist as descriptions alone, and what is said of their settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ecgbench.base.errors import ConfigError
from ecgbench.config.effective import effective
from ecgbench.plugins.specs import MethodInfo


def toy_method(**changes: Any) -> MethodInfo:
    """A description with what it must say, and these fields."""
    said: dict[str, Any] = {
        "folder": Path(),
        "name": "toy",
        "title": "Toy",
        "model": "model:Toy",
        "summary": "A method of the tests",
        "family": "baseline",
        "licence": "Apache-2.0",
    }
    return MethodInfo(**said | changes)


def assert_refused(info: MethodInfo, override: str, message: str, hint: str) -> None:
    """The override is an error of one line that holds the message, and gives the hint."""
    with pytest.raises(ConfigError) as caught:
        effective(info, "demo", [override])
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert hint in (caught.value.hint or "")
