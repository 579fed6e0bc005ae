"""The Python interface: load data sets and methods, encode signals, read results."""
