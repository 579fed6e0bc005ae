"""Fine-tuning of the whole encoder."""
