"""Results: what a cell of the matrix leaves behind, and where it is kept."""
