"""Training and running of networks: from signals to checkpoints and features."""
