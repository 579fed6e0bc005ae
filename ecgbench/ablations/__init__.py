"""Ablations: a method compared with its variants, and the table of its card."""
