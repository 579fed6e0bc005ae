"""A method against itself with one part left out or changed, and the table of its card."""
