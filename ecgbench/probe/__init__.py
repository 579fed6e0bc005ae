"""Linear probes on frozen features, and the solver of their regressions."""
