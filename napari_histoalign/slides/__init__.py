"""What is on the glass: slides, pyramids, tissue and the grid of tiles."""
