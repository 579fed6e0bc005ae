"""ecgbench: a benchmark and evaluation harness for ECG representation learning.

The Python interface loads on first use, so that ``import ecgbench`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ecgbench._version import __version__

if TYPE_CHECKING:
    from ecgbench.api.datasets import load_dataset
    from ecgbench.api.methods import ECGEncoder, load_method
    from ecgbench.api.results import load_results

_HOMES = {
    "load_dataset": "ecgbench.api.datasets",
    "load_method": "ecgbench.api.methods",
    "ECGEncoder": "ecgbench.api.methods",
    "load_results": "ecgbench.api.results",
}

__all__ = ["ECGEncoder", "__version__", "load_dataset", "load_method", "load_results"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ecgbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
