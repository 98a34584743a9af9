"""Fathom beside PyTorch and JAX: the same work, the same precision, in one run on two cores (``make bench``).

What is raced: ``cases.py``. How each contestant does it: ``fathom.py``, ``pytorch.py``, ``jax_.py``. How it is timed:
``race.py``, in the processes of ``teams.py``. How time and memory grow: ``growth.py``. What is shown: ``table.py``.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported, here and in all processes started here
