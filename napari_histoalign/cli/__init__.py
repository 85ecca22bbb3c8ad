"""The command line, `histoalign ...`: thin; the work is in `workflow`."""

from napari_histoalign.cli.app import app, main

__all__ = ["app", "main"]
