"""Calls of modules, where a framework has no hooks: their classes call something else for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

__all__ = ["Around", "around"]

Around = Callable[[str, Any, Callable[[], Any], tuple[Any, ...]], Any]
"""From a module's name, itself, its call with these arguments, and those without a keyword to what it puts out."""


@contextmanager
def around(modules: Mapping[str, Any], call: Around) -> Iterator[None]:
    """Have `call` called in the place of each of `modules`; others of their classes do what they did."""
    names: dict[int, str] = {}
    for name, module in modules.items():
        names.setdefault(id(module), name)
    with ExitStack() as undo:
        for kind, run in {type(one): type(one).__call__ for one in modules.values()}.items():
            undo.callback(_back, kind, vars(kind).get("__call__"))
            kind.__call__ = _replaced(run, names, call)
        yield


def _replaced(run: Any, names: Mapping[int, str], call: Around) -> Any:
    def replaced(module: Any, *arguments: Any, **keywords: Any) -> Any:
        if id(module) not in names:
            return run(module, *arguments, **keywords)
        return call(names[id(module)], module, lambda: run(module, *arguments, **keywords), arguments)

    return replaced


def _back(kind: Any, own: Any) -> None:
    if own is None:
        del kind.__call__
    else:
        kind.__call__ = own
