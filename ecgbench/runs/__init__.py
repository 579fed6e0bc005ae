"""The matrix: which cells there are, and running them, again too."""
