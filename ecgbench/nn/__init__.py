"""Building blocks that several methods share; each module stands on its own."""
