"""Sweeps that are killed, cut off, run out of disk or meet a damaged store: ``make faults``."""
