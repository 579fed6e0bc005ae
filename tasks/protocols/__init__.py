"""Protocols: one folder each, with its YAML files and code."""
