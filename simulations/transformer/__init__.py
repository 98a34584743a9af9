"""Transformers: stacks of attention and multilayer perceptrons, encoder-decoders, and what they write."""
