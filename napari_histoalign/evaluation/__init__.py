"""Data sets with labels, measures with intervals, ablations and reports."""
