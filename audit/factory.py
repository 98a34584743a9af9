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

FRAMEWORKS = ("keras", "flax", "torch")
"""By the package that a model's class comes from; Keras, of which nothing is known here, builds on the others."""
EXTRAS = {"torch": "torch", "jax": "flax", "jaxlib": "flax", "flax": "flax"}
"""Which extra brings a package."""
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
    with restored():
        model = made(factory)
    if (name := _home(model)) in ("", "keras"):
        known = "a torch.nn.Module or a flax.linen.Module"
        raise AuditError(f"the factory returned {type(model).__name__}; expected {known}")
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
    if _home(factory):
        raise AuditError("got a module; expected a function that builds one anew at each call, such as lambda: Net()")
    if not callable(factory):
        raise AuditError(f"got {type(factory).__name__}; expected a function that builds a model")
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise AuditError(f"the factory needs arguments ({error}); expected one that is called without any") from None
    except ValueError:
        pass  # built in: it has no signature


def _home(model: Any) -> str:
    roots = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    return next((name for name in FRAMEWORKS if name in roots), "")
