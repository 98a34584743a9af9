"""Fathom: what theory says of deep networks at initialisation, measured and attacked.

The mean square of a residual stream doubles with every block:

>>> from fathom import digits, measure, residual_mlp, stream
>>> record = measure(residual_mlp(width=16, blocks=3), digits().narrowed(16), draws=20_000, rng=stream(0, "example"))
>>> (record.second_moment / record.second_moment[0]).round()
array([1., 2., 4., 8.])

Theory, simulations, evidence, claims, figures, lessons and profiles are packages of their own in a checkout (``import
theory``) and parts of this one where it is installed (``import fathom.theory``). ``fathom --help`` lists the commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claims import claim, mutant
    from evidence import check_initialiser
    from profiles import profile
    from simulations import Inputs, digits, glorot, he, lecun, load, measure, mlp, residual_mlp, stream

__all__ = [
    "Inputs",
    "check_initialiser",
    "claim",
    "digits",
    "glorot",
    "he",
    "lecun",
    "load",
    "measure",
    "mlp",
    "mutant",
    "profile",
    "residual_mlp",
    "stream",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: claims need SymPy, which takes a second."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in {"claim", "mutant"}:
        import claims

        return getattr(claims, name)
    if name == "check_initialiser":
        from evidence import check_initialiser

        return check_initialiser
    if name == "profile":
        from profiles import profile

        return profile
    import simulations

    return getattr(simulations, name)


def __dir__() -> list[str]:
    return [*__all__, *globals()]
