"""Encoders that were never trained: what the architecture alone is worth."""

from ecgbench.nn.encoder_only import EncoderOnly


class RandomInit(EncoderOnly):
    """An encoder at its initialisation; a gain from pre-training is read against it."""
