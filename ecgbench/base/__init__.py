"""What every room may import: errors, hashes, paths, progress bars, inert text."""
