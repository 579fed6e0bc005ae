"""Results: the draft of a cell, the record that its run leaves, and where records are kept."""
