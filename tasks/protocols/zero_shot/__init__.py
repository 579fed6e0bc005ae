"""Zero-shot classification and retrieval, with alignment for methods that have no text tower."""
