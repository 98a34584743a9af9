"""Which figures and which lessons go with which claims, by catalogue code.

Figures and lessons stand above claims, so this is data: a test checks that all names and codes exist and that no figure
and no lesson is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FIGURES: dict[str, tuple[str, ...]] = {
    "activations": ("B2", "B3", "B6"),
    "attention": ("Q6", "Q15", "Q16"),
    "blocks": ("F5", "F6", "F11"),
    "blow_up": ("R2", "R4", "R5", "R6", "R11"),
    "bounds": ("P5", "P7", "P8", "P9", "P10"),
    "collapse": ("C19",),
    "compromise": ("X1", "X2", "X3"),
    "coordinate_check": ("V21",),
    "cubic_collapse": ("Q12", "Q13", "Q19"),
    "dying": ("C9",),
    "entropy": ("Q2", "Q6"),
    "exponent": ("V10",),
    "first_step": ("V10", "V17", "V21"),
    "first_steps": ("T4",),
    "histograms": ("X4", "X5"),
    "homogeneous_sets": ("P1", "P12"),
    "independence": ("U3",),
    "log_normality": ("C7", "C8", "C19"),
    "matrix_products": ("O1", "O2", "X6"),
    "plain_nets": ("A6", "C1", "C2", "C18"),
    "propagation_maps": ("M1", "M2", "M5", "X5"),
    "recurrent": ("N3", "N4"),
    "scalar_branch": ("F3", "F4", "F5"),
    "shattered": ("G1", "G2", "G3", "G4"),
    "signal_propagation": ("R2", "R12", "R14"),
    "speed": ("U1", "U2"),
    "streams": ("V1", "V2", "V4", "V8"),
    "top_singular_value": ("O3",),
    "trainable": ("C22",),
    "training_depth": ("T1",),
    "translation": ("V10",),
    "update": ("F1", "F7", "F8", "R15"),
    "vacuous": ("P10", "P15"),
}
"""Codes of the claims that each figure draws; its picture is figures/pictures/NAME.svg."""

LESSONS: dict[str, tuple[str, ...]] = {
    "1_starting_point": ("C1", "D1", "S1", "X6"),
    "2_one_layer": ("A1", "A2", "A3", "A4", "A6", "S4"),
    "3_glorot": ("X1", "X2", "X3", "X4"),
    "4_he": ("B1", "B2", "B3", "B4", "B6", "C2", "X10", "X11"),
    "5_finite_width": ("C3", "C7", "C8", "C9", "C17"),
    "6_residual_streams": ("R2", "R3", "R4", "R5", "R6", "R8", "R11", "R12"),
    "7_homogeneity": ("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P13", "P14"),
    "8_fixup": ("F1", "F3", "F4", "F5", "F6", "F7", "F11", "F15", "R10", "T1", "T2", "T3"),
    "9_undrawn": ("U1", "U2", "U3"),
    "10_nets_in_time": ("N1", "N2", "N3", "N4"),
    "11_attention": ("Q1", "Q3", "Q6", "Q15", "Q16", "V1", "V2", "V4", "V8", "V10", "V12"),
    "12_own_network": ("A1", "C3", "C11"),
}
"""Codes of the claims that each lesson teaches; its notebook is lessons/lesson_NAME.py."""


def linked(links: Mapping[str, Sequence[str]], codes: Sequence[str]) -> list[str]:
    """Return the names in `links` (of figures or of lessons) that go with any of a claim's `codes`."""
    return [name for name, claims in links.items() if set(claims) & set(codes)]


def picture(figure: str) -> str:
    """Return the address of a figure's picture, from the top folder."""
    return f"figures/pictures/{figure}.svg"


def notebook(lesson: str) -> str:
    """Return the address of a lesson's notebook, from the top folder."""
    return f"lessons/lesson_{lesson}.py"


def spoken(name: str) -> str:
    """Return a name as people read it: ``6_residual_streams`` is "6, residual streams", ``blow_up`` "blow up"."""
    number, _, rest = name.partition("_")
    return f"{number}, {rest.replace('_', ' ')}" if number.isdigit() else name.replace("_", " ")
