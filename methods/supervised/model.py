"""An encoder without pre-training, trained end to end on the task's training split."""

from ecgbench.nn.encoder_only import EncoderOnly


class Supervised(EncoderOnly):
    """An encoder that only the fine-tuning protocol trains."""
