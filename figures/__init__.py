"""Figures of the field, theory as lines and measurement as points: a file a figure, drawn by ``python -m figures``.

A figure is a module with

- ``FIGURE``, a `Figure`: what it finds, its text alternative, its parameters and the tolerance of its data;
- ``data(parameters, effort, seed) -> Table``: the measured and the expected numbers, labelled and with units;
- ``draw(table, parameters) -> matplotlib Figure``: the picture of those numbers and of nothing else.
"""
