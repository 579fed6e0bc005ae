"""From predictions to figures: test labels, the table of metrics, scoring, contamination."""
