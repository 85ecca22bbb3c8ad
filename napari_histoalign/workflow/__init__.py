"""What the dock and the command line both do: choose tiles, run a slide, write its results."""

from napari_histoalign.workflow.export import write_both, write_results
from napari_histoalign.workflow.folders import result_folders
from napari_histoalign.workflow.place import Choice, Place, choose_tiles
from napari_histoalign.workflow.run import run_slide
from napari_histoalign.workflow.settings import RunSettings
from napari_histoalign.workflow.summary import ClassSummary, RunSummary

__all__ = [
    "Choice",
    "ClassSummary",
    "Place",
    "RunSettings",
    "RunSummary",
    "choose_tiles",
    "result_folders",
    "run_slide",
    "write_both",
    "write_results",
]
