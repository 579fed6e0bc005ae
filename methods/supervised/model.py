"""An encoder with no pre-training, to be trained end to end on the task's training split."""

from ecgbench.nn.encoder_only import EncoderOnly


class Supervised(EncoderOnly):
    """What the labels alone teach an encoder; the fine-tuning protocol does the teaching."""
