"""Reports written by a language model behind a frozen encoder."""
