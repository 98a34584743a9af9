"""Where running sums of ones stand still, against NumPy."""

import numpy as np
import pytest

from theory.precision import sums_of_logs
from theory.precision.formats import FLOAT16, FLOAT32, Format


@pytest.mark.parametrize(("number_format", "dtype"), [(FLOAT16, np.float16), (FLOAT32, np.float32)])
def test_the_sum_ends_where_one_is_rounded_away(number_format: Format, dtype: type[np.floating]) -> None:
    end = int(sums_of_logs.most_doublings(number_format))
    assert dtype(end) + dtype(1) == end
    assert dtype(end - 1) + dtype(1) == end
    assert dtype(end - 2) + dtype(1) == end - 1
