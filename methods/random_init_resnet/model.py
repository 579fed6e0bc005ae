"""The convolutional encoder of clip and merl, never trained."""

from ecgbench.nn.encoder_only import EncoderOnly


class RandomInitResNet(EncoderOnly):
    """An encoder at its initialisation; a gain from pre-training is read against it."""
