"""Layers: a forward pass that returns its pullback, and what they build, a network."""
