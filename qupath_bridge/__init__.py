"""Results to QuPath and back: GeoJSON without Java, projects through paquo."""
