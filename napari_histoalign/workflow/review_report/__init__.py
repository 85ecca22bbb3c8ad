"""A reviewed slide on paper: one printable page that needs nothing else."""

from napari_histoalign.workflow.review_report.regions import region_targets
from napari_histoalign.workflow.review_report.writing import write_review_report

__all__ = ["region_targets", "write_review_report"]
