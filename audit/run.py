"""The audit itself: measure, then say what follows, each test at its share of the false alarms."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from numbers import Integral
from typing import Any

from audit import layers, places, recognise, scales, whole
from audit.depth import depth
from audit.fans import Part
from audit.known import knowledge
from audit.measured import Measured
from audit.places import Place
from audit.propagate import propagate
from audit.recognise import Recognised
from audit.report import Report
from audit.rules import KEPT, Rule, named
from audit.signals import draws, gradients, rectifiers, refuse_shared, silent, tested
from audit.statement import AuditError, Statement, worst_first

ALPHA = 1e-4
"""The probability that anything is said against a sound model, but for the depth's interval (see `audit.depth`)."""
Claim = str | Mapping[str, str] | None


def audit(
    factory: Callable[[], Any],
    inputs: Any,
    *,
    seeds: int = 50,
    first_seed: int = 0,
    train: bool = False,
    claim: Claim = None,
    alpha: float = ALPHA,
) -> Report:
    """Build a model anew under many seeds, run it forwards and backwards, and say whether it starts as it should.

    Parameters
    ----------
    factory : callable
        Makes a new torch.nn.Module at each call, without arguments; a class will do.
    inputs : array, or mapping of keywords to arrays
        What the model is called with. Backwards it is given random signs at its outputs.
    seeds : int
        How many models are built.
    first_seed : int
        Their seeds are this number and those after it.
    train : bool
        Whether they are in train mode; in eval mode a new batch norm does nothing.
    claim : str or mapping, optional
        The rule that all weights of linear layers are meant to be drawn by, or rules by patterns of parameters' names:
        he_fan_in, he_fan_out, lecun, lecun_fan_out, glorot or pytorch. By patterns of modules' names also kept: these
        are meant to put out the mean square that they are given.
    alpha : float
        The probability that anything tested is said against a sound model.

    Raises
    ------
    AuditError
        If the audit cannot be made.
    """
    if not (isinstance(seeds, Integral) and seeds >= 3):
        raise AuditError(f"expected at least 3 seeds, a whole number, got {seeds!r}")
    if not 0 < alpha < 1:
        raise AuditError(f"expected alpha between 0 and 1, got {alpha}")
    rules = {"*": claim} if isinstance(claim, str) else dict(claim or {})
    claims = {pattern: named(name) for pattern, name in rules.items() if name != KEPT}
    keeping = [pattern for pattern, name in rules.items() if name == KEPT]
    if importlib.util.find_spec("torch") is None:
        raise AuditError("the audit needs PyTorch, which is not installed; try: pip install 'fathom-init[torch]'")
    from audit.pytorch import measure  # here, as it takes seconds

    found = measure(factory, inputs, range(first_seed, first_seed + int(seeds)), train=train)
    refuse_shared(found)
    _used(claims, found)
    said, line = _statements(found, claims, keeping, alpha)
    return Report(tuple(worst_first(said)), int(seeds), train, alpha, dict(rules), found, tuple(line))


def assert_initialised(factory: Callable[[], Any], inputs: Any, **options: Any) -> None:
    """Raise AssertionError, with the table, if an audit has anything to say against a model; options as in `audit`."""
    report = audit(factory, inputs, **options)
    if not report.sound:
        raise AssertionError(f"the model does not start as it should\n{report}")


def _statements(
    found: Measured, claims: Mapping[str, Rule], keeping: list[str], alpha: float
) -> tuple[list[Statement], list[Place]]:
    linear = layers.testable(found)
    count = recognise.TESTS * len(tested(found.parts)) + layers.TESTS * len(linear) + len(rectifiers(found)) + 2
    share = alpha / (count + places.tests(found))
    known: dict[str, list[Recognised]] = defaultdict(list)
    for part in found.parts:
        known[part.parameter].append(recognise.recognise(part, found, _rule(part, claims), share))
    exact = [layers.test_layer(one, known, share) for one in linear]
    said = [one.statement for group in known.values() for one in group]
    told = knowledge(found, known, share)
    states = propagate(found.graph, told)
    line = places.along(found, states, share)
    return [
        *said,
        *whole.whole(found, line, told, share),
        *scales.unlike(found),
        *scales.kept(found, states, keeping),
        *(one for one in exact if one is not None),
        *depth(found, share),
        *gradients(found),
        *silent(found, share),
        *draws(found),
        *_idle(found),
    ], line


def _idle(found: Measured) -> list[Statement]:
    """Warn that batch norm does nothing in eval mode before training."""
    idle = [one.name for one in found.in_order() if one.kind.startswith("BatchNorm") and not found.train]
    words = f"{len(idle)} layers of batch norm do nothing in eval mode before training; use train mode to see them work"
    return [Statement(kind="activation", where=idle[0], verdict="note", words=words)] if idle else []


def _rule(part: Part, claims: Mapping[str, Rule]) -> Rule | None:
    """Return the last claim whose pattern a weight matches."""
    fitting = [rule for pattern, rule in claims.items() if fnmatchcase(part.parameter, pattern)]
    return fitting[-1] if fitting and part.role == "weight" else None


def _used(claims: Mapping[str, Rule], found: Measured) -> None:
    weights = [one.parameter for one in found.parts if one.role == "weight"]
    for pattern in claims:
        if not any(fnmatchcase(name, pattern) for name in weights):
            raise AuditError(
                f"no weight of a linear layer matches {pattern!r}; there are {', '.join(weights[:8]) or 'none'}"
            )
