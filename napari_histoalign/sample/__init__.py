"""A synthetic H&E slide, drawn on demand, with its ground truth."""
