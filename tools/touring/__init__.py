"""A real window that a script looks after: see ``tools/tour.py``."""
