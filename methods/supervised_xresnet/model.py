"""xresnet1d101 without pre-training, trained end to end on the task's training split."""

from ecgbench.nn.encoder_only import EncoderOnly


class SupervisedXResNet(EncoderOnly):
    """One of the best published PTB-XL networks, which only the fine-tuning protocol trains."""
