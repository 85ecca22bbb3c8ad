"""How the two demonstration encoders are made: drawn tiles, captions that are true of them, training."""
