"""What a record and a data set must be: refused, quarantined, or doubtful and counted."""
