"""Training beside PyTorch, against depth, and on weights that are never drawn."""
