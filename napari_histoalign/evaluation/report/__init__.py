"""What people and programs read of an evaluation: a page, tables for LaTeX, columns and JSON."""

from napari_histoalign.evaluation.report.writing import write_report

__all__ = ["write_report"]
