"""What a run leaves: probability maps, regions, tables, provenance."""
