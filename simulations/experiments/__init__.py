"""Simulators of one question each, which no network of layers asks."""
