"""The convolutional encoder of clip and merl, untrained."""

from ecgbench.nn.encoder_only import EncoderOnly


class RandomInitResNet(EncoderOnly):
    """An encoder at initialisation, the baseline for pre-training."""
