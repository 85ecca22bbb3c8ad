"""Zero-shot and few-shot histopathology classification in napari, with a QuPath bridge."""

__version__ = "0.1.0"
