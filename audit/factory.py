"""The user's factory, before any framework is chosen: what it may be, which framework it builds for, how it fails."""

from __future__ import annotations

import inspect
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np

from audit.statement import AuditError

FRAMEWORKS = ("keras", "flax.nnx", "flax", "torch")
"""By the package that a model's class comes from; Keras builds on the others."""
EXTRAS = {"torch": "torch", "jax": "flax", "jaxlib": "flax", "flax": "flax", "keras": "keras"}
"""Which extra brings a package."""
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
FULL = ("can't allocate memory", "out of memory", "resource_exhausted", "unable to allocate")
"""How frameworks say that memory is full."""


def framework(factory: Any) -> str:
    """Return the framework of the models that this builds; one is built for it, and thrown away.

    Raises
    ------
    AuditError
        If it cannot be called without arguments, fails, or builds nothing that is known here.
    """
    check_factory(factory)
    if takes_rngs(factory):
        return "flax.nnx"
    with restored():
        model = made(factory)
    if not (name := _home(model)):
        raise AuditError(f"the factory returned {type(model).__name__}; expected a model of PyTorch, Flax or Keras")
    return name


def made(factory: Callable[[], Any]) -> Any:
    """Return what the factory makes.

    Raises
    ------
    AuditError
        If it fails.
    """
    try:
        return factory()
    except Exception as error:
        refuse(error, f"the factory failed: {line(error)}{extra(error)}")


def refuse(error: Exception, message: str) -> NoReturn:
    """Raise AuditError with a message, or that memory is full if that is what an error says."""
    if isinstance(error, MemoryError) or any(one in str(error).lower() for one in FULL):
        message = (
            "the model and this batch need more memory than there is; give a smaller batch, or build a smaller model"
        )
    raise AuditError(message) from None


def extra(error: Exception) -> str:
    """Return what to install if an error is that a framework is missing, or an empty text."""
    root = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    return f"; try: pip install 'fathom-init[{EXTRAS[root]}]'" if root in EXTRAS else ""


def arrays(inputs: Any) -> dict[str, np.ndarray]:
    """Return inputs, checked, by keyword; a single one has none.

    Raises
    ------
    AuditError
        If they are no finite real numbers.
    """
    given = inputs if isinstance(inputs, Mapping) else {"": inputs}
    if not given:
        raise AuditError("there is no input; expected an array, or a mapping of keywords to arrays")
    return {str(name): _array(one) for name, one in given.items()}


def _array(one: Any) -> np.ndarray:
    try:
        array = np.asarray(one.detach() if hasattr(one, "detach") else one)
    except (TypeError, ValueError):
        raise AuditError(
            "the input is no array; several inputs go by keyword: a mapping of names to arrays, as a file an .npz"
        ) from None
    if array.dtype.kind not in "fiub" or array.size == 0:
        raise AuditError(f"the input has shape {array.shape} and type {array.dtype}; expected some real numbers")
    if not np.isfinite(array).all():
        raise AuditError("the input has values that are NaN or infinite; expected finite numbers")
    return array


@contextmanager
def restored() -> Iterator[None]:
    """Leave the global random numbers of NumPy and Python, and of PyTorch if it is loaded, as they were."""
    numbers, python, torch = np.random.get_state(), random.getstate(), sys.modules.get("torch")
    state = torch.get_rng_state() if torch else None
    try:
        yield
    finally:
        np.random.set_state(numbers)
        random.setstate(python)
        if torch:
            torch.set_rng_state(state)


def line(error: Exception) -> str:
    """Return an error as one line of bearable length."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def check_factory(factory: Any) -> None:
    """Refuse what is no function without arguments.

    Raises
    ------
    AuditError
        If it is not.
    """
    if not isinstance(factory, type) and _home(factory):
        raise AuditError("got a module; expected a function that builds one anew at each call, such as lambda: Net()")
    if not callable(factory):
        raise AuditError(f"got {type(factory).__name__}; expected a function that builds a model")
    try:
        if not takes_rngs(factory):
            inspect.signature(factory).bind()
    except TypeError as error:
        raise AuditError(f"the factory needs arguments ({error}); expected one that is called without any") from None
    except ValueError:
        pass  # built in: it has no signature


def takes_rngs(factory: Any) -> bool:
    """Whether all that a factory needs is an argument `rngs`, as Flax's nnx modules do."""
    own = isinstance(factory, type)  # whose metaclass may hide what it takes
    try:
        parameters = [*inspect.signature(factory.__init__ if own else factory).parameters.values()][own:]
    except (TypeError, ValueError):
        return False
    return [one.name for one in parameters if one.default is one.empty and one.kind not in VARIABLE] == ["rngs"]


def _home(model: Any) -> str:
    homes = [f"{base.__module__}." for base in type(model).__mro__]
    return next((name for name in FRAMEWORKS if any(home.startswith(f"{name}.") for home in homes)), "")
