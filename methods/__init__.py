"""The methods that ship with ecgbench, one folder each."""
