"""Pictures are drawn in memory, not on a screen."""

import matplotlib as mpl

mpl.use("Agg")
