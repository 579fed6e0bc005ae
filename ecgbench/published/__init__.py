"""Published encoders: facts of a preset, reading its weights, checking their layout."""
