"""The tasks that ship with ecgbench and the protocols they are put with."""
