"""Plots of a pre-trained method: reconstructions, embeddings and training curves."""
