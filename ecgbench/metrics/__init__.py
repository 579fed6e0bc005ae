"""Metrics as pure functions of arrays and texts: no torch, no files, no state.

One rule for what is undefined holds everywhere: a class without a positive or without a negative
record has no AUROC, average precision or F1. It is NaN, it is left out of a mean, and the mean says
how many classes it is of.
"""
