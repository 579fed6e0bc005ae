"""For authors: a first working folder, the laws that a method keeps, and what a submission needs."""
