"""What a measurement can prove: tests with stated error rate and power. Knows neither theory nor simulation.

A test with a power is planned before it is asked: `MeanTest`, `ChiSquareTest` and `CountTest` say how many draws they
need, and are called with what was drawn. Every test returns a `Finding`.
"""

from evidence.certain import identity, inequality
from evidence.counts import CountTest
from evidence.finding import Finding, Verdict, all_of, inconclusive
from evidence.initialisers import (
    InitialiserReport,
    ParametersReport,
    Stated,
    check_initialiser,
    check_parameters,
)
from evidence.law import ChiSquareTest, binomial_degrees, law
from evidence.mean import MeanTest
from evidence.proportion import at_least
from evidence.rate import rate
from evidence.same_law import draws_for_same_law, same_law
from evidence.symmetry import draws_for_symmetry, symmetry

__all__ = [
    "ChiSquareTest",
    "CountTest",
    "Finding",
    "InitialiserReport",
    "MeanTest",
    "ParametersReport",
    "Stated",
    "Verdict",
    "all_of",
    "at_least",
    "binomial_degrees",
    "check_initialiser",
    "check_parameters",
    "draws_for_same_law",
    "draws_for_symmetry",
    "identity",
    "inconclusive",
    "inequality",
    "law",
    "rate",
    "same_law",
    "symmetry",
]
