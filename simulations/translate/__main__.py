"""``python -m simulations.translate``."""

import sys

from simulations.translate.command import main

sys.exit(main())
