"""Where theory, simulation and evidence meet: a folder a subject, a file a topic, a claim a function.

`claims.catalogue` knows all claims; this package alone imports none, so that writing one costs little.
"""

from claims.registry import Claim, Mutant, claim, mutant
from claims.run import Run

__all__ = ["Claim", "Mutant", "Run", "claim", "mutant"]
