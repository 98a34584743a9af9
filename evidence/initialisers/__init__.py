"""A public check of anyone's initialisers: whether they draw what they are said to draw, and if not, what they may do.

`stated` says what is claimed of an array of weights, `sample` draws it, `independent` and `dependent` test it by its
law, `causes` names what fits a wrong variance, and `check` puts them together for one initialiser or for a whole model.
"""

from evidence.initialisers.check import check_initialiser, check_parameters
from evidence.initialisers.report import InitialiserReport, ParametersReport
from evidence.initialisers.stated import Stated

__all__ = ["InitialiserReport", "ParametersReport", "Stated", "check_initialiser", "check_parameters"]
