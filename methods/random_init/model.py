"""Untrained encoders, which show the contribution of the architecture alone."""

from ecgbench.nn.encoder_only import EncoderOnly


class RandomInit(EncoderOnly):
    """An encoder at initialisation, the baseline for pre-training."""
