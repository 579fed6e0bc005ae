"""From predictions to figures: test labels, scoring, contamination."""
