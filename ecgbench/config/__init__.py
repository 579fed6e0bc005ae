"""The effective configuration of a run, and the profiles."""
