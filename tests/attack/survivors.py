"""Which wrong functions of theory a claim lets pass: ``python -m tests.attack.survivors [CLAIM ...]`` lists them.

Not every survivor is a fault. A variance or a bound that only plans a test may be larger than it need be; a square does
not know the sign of what is squared; what stands on both sides of a comparison cancels. The list is to be read.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sympy as sp

from claims.catalogue import REGISTRY
from claims.examine import share_of_alpha
from claims.registry import Claim
from claims.run import Run
from simulations import digits
from tests.attack.wrong_functions import altered, intercepted, public_functions

FUNCTIONS = public_functions()


def _half_more(value: Any) -> Any:
    return value * sp.Rational(3, 2) if isinstance(value, sp.Expr) else value * 1.5


def _third_less(value: Any) -> Any:
    return value / sp.Rational(3, 2) if isinstance(value, sp.Expr) else value / 1.5


def _negated(value: Any) -> Any:
    return -value


WRONG = {"half more": _half_more, "a third less": _third_less, "negated": _negated}


def called(claim: Claim) -> list[str]:
    """Return the functions of theory that a file of claims calls while this claim is examined, which must hold."""
    seen: set[str] = set()
    with contextlib.ExitStack() as stack:
        for name, function in FUNCTIONS.items():
            stack.enter_context(intercepted(function, functools.partial(_noted, name, seen)))
        assert _verdict(claim) == "held"
    return sorted(seen)


def _noted(name: str, seen: set[str], value: Any) -> Any:
    seen.add(name)
    return value


def survivors(claim: Claim) -> Iterator[tuple[str, str]]:
    """Yield each function of theory, and the way in which it is wrong, with which the claim is still held."""
    for name in called(claim):
        for how, change in WRONG.items():
            with intercepted(FUNCTIONS[name], functools.partial(altered, change=change)):
                if _verdict(claim) == "held":
                    yield name, how


def _verdict(claim: Claim) -> str:
    _forget()
    run = Run(claim.id, digits(), 0, "quick", share_of_alpha())
    try:
        return replace(claim, derivations=()).examine(run).verdict
    except Exception:  # a claim that raises does not hold
        return "error"
    finally:
        _forget()


def _forget() -> None:
    """Clear what files of claims and of theory remember of results, but not the derivations."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("claims.", "theory.")):
            makers = {id(getattr(one, "func", one)) for one in getattr(module, "DERIVATIONS", ())}
            for value in vars(module).values():
                if isinstance(value, functools._lru_cache_wrapper) and id(value) not in makers:
                    value.cache_clear()


def main(chosen: list[str]) -> int:
    """Print the survivors of the chosen claims, or of all, and how many wrong versions were tried."""
    tried = found = 0
    for claim_id in chosen or REGISTRY:
        lived = list(survivors(REGISTRY[claim_id]))
        tried, found = tried + len(WRONG) * len(called(REGISTRY[claim_id])), found + len(lived)
        for name, how in lived:
            print(f"{claim_id} holds with {name} {how}", flush=True)
    print(f"{found} of {tried} wrong functions survive")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
