"""``python -m simulations.training``."""

import sys

from simulations.training.run import main

sys.exit(main())
