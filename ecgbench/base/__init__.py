"""Utilities that every package may import: errors, hashes, paths, progress bars, inert text."""
