"""Attention: products of queries and keys, their softmax, and layers of it; embeddings and positions."""
