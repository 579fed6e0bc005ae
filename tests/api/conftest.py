"""The small matrix of the run tests: a method and a data set that take seconds."""

from runs.conftest import request_for, small_home, small_matrix

__all__ = ["request_for", "small_home", "small_matrix"]
