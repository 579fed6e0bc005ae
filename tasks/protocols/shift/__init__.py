"""The linear probe under a shift: corrupted records, lost leads, groups of patients, other data sets."""
