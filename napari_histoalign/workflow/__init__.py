"""What the dock and the command line both do: run a slide, export its results."""
