"""From signals to checkpoints and features: everything that trains or runs a network."""
