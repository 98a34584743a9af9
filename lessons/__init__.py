"""Nine lessons on how deep networks start: marimo notebooks for a class or for one student.

A lesson is three files: `lesson_N_name.py` (the notebook: sliders and the order of things), `experiments/name.py` (what
is simulated, derived, drawn and asked) and `prose/en/N_name.md` (every word that a student reads).
"""
