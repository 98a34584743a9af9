"""Weights: laws of entries, and arrays that are drawn, drawn late or never drawn."""
