"""Protocols: one folder each, the YAML files beside the code that they name."""
