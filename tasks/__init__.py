"""The tasks that ship with ecgbench, and their protocols."""
