"""Transformers that translate: largest stable rates against depth, and recipes compared by what they learn."""
