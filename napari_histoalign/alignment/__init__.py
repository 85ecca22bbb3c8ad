"""How vectors become probabilities: arrays in, arrays out."""
