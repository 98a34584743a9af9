"""Where theory, simulation and evidence meet: a file a paper or topic, a claim a function.

Importing the package registers every claim, in the order in which reports list them.
"""

from claims import (  # noqa: F401, I001
    one_layer,
    pre_activations,
    activations,
    gains,
    tanh_gain,
    dropout,
    glorot,
    compromise,
    plain,
    fluctuations,
    matrix_products,
    rates,
    weight_laws,
    orthogonal_relu,
    lognormality,
    gradients,
    jacobians,
    angles,
    shattered,
    residual_pairs,
    looks_linear,
    fixup_variance,
    fixup_growth,
    branch_gains,
    post_addition,
    residual_spread,
    fixup_homogeneity,
    degrees,
    fixup_bounds,
    fixup_expectation,
    euler_identities,
    initial_loss,
    fixup_updates,
    fixup_cure,
    fixup_rules,
    fixup_zeros,
    scalar_resnet,
    one_step,
    rivals,
    zero_multipliers,
    normalised,
    symmetry,
    assumptions,
    chains,
    matrix_logs,
    recurrent,
    engines,
    gradient_independence,
)
from claims import page, record, report
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
    "page",
    "passed",
    "record",
    "report",
    "run_claims",
]
