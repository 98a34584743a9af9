"""The array that all evidence takes and returns: float64 of any shape, its first axis counting independent draws."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
