"""Memory that is used again.

By default the C library gives freed pages back, and asking for them anew costs more than the arithmetic on the
short-lived arrays of a simulation.
"""

from __future__ import annotations

import ctypes
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of malloc.h, GNU C library


@cache
def keep_freed_memory() -> None:
    """Let this process keep freed memory for later arrays (GNU C library only; elsewhere nothing changes)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(MMAP_THRESHOLD, 1 << 30)
    mallopt(TRIM_THRESHOLD, (1 << 31) - 1)
