"""The toy data set of the data tests, for the commands that prepare one."""

from data.conftest import add_spec, toy_folder, toy_template

__all__ = ["add_spec", "toy_folder", "toy_template"]
