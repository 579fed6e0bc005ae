"""ecgbench: a benchmark and evaluation harness for ECG representation learning."""

from ecgbench._version import __version__

__all__ = ["__version__"]
