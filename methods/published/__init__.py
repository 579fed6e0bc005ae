"""Encoders that others published, a folder each: facts, card, network, layout of the weights."""
