"""Where theory, simulation and evidence meet: a file a paper or topic, a claim a function.

Importing the package registers every claim, in the order in which reports list them.
"""

from claims import (  # noqa: F401, I001
    one_layer,
    activations,
    glorot,
    plain,
    fluctuations,
    fixup_variance,
    fixup_growth,
    fixup_homogeneity,
    fixup_bounds,
    fixup_expectation,
    fixup_updates,
    fixup_cure,
)
from claims import record, report
from claims.registry import REGISTRY, Claim, Mutant, claim, mutant
from claims.run import Run
from claims.runner import Result, cores, passed, run_claims
from simulations import InputError, digits, load

__all__ = [
    "REGISTRY",
    "Claim",
    "InputError",
    "Mutant",
    "Result",
    "Run",
    "claim",
    "cores",
    "digits",
    "load",
    "mutant",
    "passed",
    "record",
    "report",
    "run_claims",
]
