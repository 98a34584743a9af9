"""The array type of the simulators."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""Arrays are float64; the engines also take float32 where they say so."""
