"""What a measurement can prove: tests with stated error rate and power. Knows neither theory nor simulation."""

from evidence.certain import identity, inequality
from evidence.counts import counts, trials_for_counts
from evidence.finding import Finding, Verdict, all_of, inconclusive
from evidence.initialisers import InitialiserReport, check_initialiser
from evidence.law import binomial_degrees, chi_square_law, draws_for_chi_square, law
from evidence.mean import draws_for_mean, mean
from evidence.proportion import at_least
from evidence.rate import rate
from evidence.same_law import draws_for_same_law, same_law
from evidence.symmetry import draws_for_symmetry, symmetry

__all__ = [
    "Finding",
    "InitialiserReport",
    "Verdict",
    "all_of",
    "at_least",
    "binomial_degrees",
    "check_initialiser",
    "chi_square_law",
    "counts",
    "draws_for_chi_square",
    "draws_for_mean",
    "draws_for_same_law",
    "draws_for_symmetry",
    "identity",
    "inconclusive",
    "inequality",
    "law",
    "mean",
    "rate",
    "same_law",
    "symmetry",
    "trials_for_counts",
]
