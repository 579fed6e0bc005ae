"""The linear probe and its control on shuffled labels."""
