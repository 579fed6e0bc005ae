"""Data sets: the catalogue, reading WFDB records, prepared stores, labels, splits, adapted signals."""
