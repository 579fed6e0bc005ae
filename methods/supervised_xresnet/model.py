"""xresnet1d101 with no pre-training, to be trained end to end on the task's training split."""

from ecgbench.nn.encoder_only import EncoderOnly


class SupervisedXResNet(EncoderOnly):
    """What the labels alone teach the strongest published PTB-XL network, by fine-tuning."""
