"""The simulated corpus: a physiological 12-lead model, written as a PTB-XL-shaped folder."""

from ecgbench.simulated.corpus import write_corpus

__all__ = ["write_corpus"]
