"""Speed measured beside the usual way and beside the limits of the machine, in one run."""
