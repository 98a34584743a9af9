"""The command of sweeps with blocks of 0.04 s in place of 0.6 s: ``python -m tests.faults.short``.

Workers are told how many draws a block has, so only the driver needs to know.
"""

import sys

from simulations.sweep import block
from simulations.sweep.__main__ import main

SECONDS = 0.04

if __name__ == "__main__":
    block.SECONDS_A_BLOCK = SECONDS
    sys.exit(main())
