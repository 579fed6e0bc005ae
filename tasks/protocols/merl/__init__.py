"""MERL's linear probe as its public code runs it."""
