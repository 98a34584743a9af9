"""The audit itself: measure, then say what follows, each test at its share of the false alarms."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from numbers import Integral
from typing import Any

import numpy as np

from audit import layers, places, recognise, scales, whole
from audit.bound import bound
from audit.depth import counted, depth
from audit.factory import arrays, framework
from audit.fans import Part
from audit.known import knowledge
from audit.loss import at_start
from audit.measured import Measured
from audit.odd import odd_ones
from audit.places import Place
from audit.propagate import propagate
from audit.recognise import Recognised
from audit.report import Report
from audit.rules import KEPT, Claim, Depth, claimed
from audit.signals import draws, forgetting, gradients, rectifiers, refuse_shared, saturated, saturating, silent, tested
from audit.statement import AuditError, Statement, worst_first

ALPHA = 1e-4
"""The probability that anything is said against a sound model, but for the depth's interval (see `audit.depth`)."""
Claimed = str | Mapping[str, str] | None


def audit(
    factory: Callable[..., Any],
    inputs: Any,
    *,
    seeds: int = 50,
    first_seed: int = 0,
    train: bool = False,
    claim: Claimed = None,
    loss: str | None = None,
    targets: Any = None,
    alpha: float = ALPHA,
) -> Report:
    """Build a model anew under many seeds, run it forwards and backwards, and say whether it starts as it should.

    Parameters
    ----------
    factory : callable
        Makes a new model of PyTorch, Flax or Keras at each call, without arguments (or with nnx's `rngs`); a class
        will do.
    inputs : array, or mapping of keywords to arrays
        What the model is called with. Backwards it is given random signs at its outputs.
    seeds : int
        How many models are built.
    first_seed : int
        Their seeds are this number and those after it.
    train : bool
        Whether they are in train mode; in eval mode a new batch norm does nothing.
    claim : str or mapping, optional
        The rule that all weights of linear layers are meant to be drawn by, or rules by patterns of parameters' names,
        as "he_fan_in", "gpt2_residual", "fixup:54:2" or "glorot@64x64" (see `audit.rules`). By patterns of modules'
        names also "kept": these are meant to put out the mean square that they are given.
    loss : {"cross_entropy", "mse"}, optional
        Run its gradient backwards instead of random signs, and say how the loss compares with that of a guess.
    targets : array, optional
        Of the loss: a class for every row of logits, or what the output should be; random by default.
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
    for text in _rules(claim).values():
        if text != KEPT:
            claimed(text, Depth(2, 2))  # what is misspelt is said at once, whatever is counted later
    found = _measured(factory, inputs, range(first_seed, first_seed + int(seeds)), train, loss, targets)
    return judged(found, claim, alpha, input=_fingerprint(inputs))


def judged(found: Measured, claim: Claimed = None, alpha: float = ALPHA, *, input: str = "") -> Report:
    """Say what follows from what was measured of a model, by PyTorch, Flax, Keras or anything else.

    `claim` and `alpha` are as in `audit`, `input` is a fingerprint of what the model was called with.

    Raises
    ------
    AuditError
        If the weights are the same under every seed, or a claim is of nothing that there is.
    """
    rules = _rules(claim)
    refuse_shared(found)
    blocks = counted(found)
    claims = {pattern: claimed(text, blocks) for pattern, text in rules.items() if text != KEPT}
    _used(claims, found)
    keeping = [pattern for pattern, text in rules.items() if text == KEPT]
    said, places_seen = _statements(found, claims, keeping, alpha)
    return Report(
        tuple(worst_first(said)), found.seeds, found.train, alpha, rules, found, places=tuple(places_seen), input=input
    )


def _rules(claim: Claimed) -> dict[str, str]:
    return {"*": claim} if isinstance(claim, str) else dict(claim or {})


def assert_initialised(factory: Callable[..., Any], inputs: Any, **options: Any) -> None:
    """Raise AssertionError, with the table, if an audit has anything to say against a model; options as in `audit`."""
    report = audit(factory, inputs, **options)
    if not report.sound:
        raise AssertionError(f"the model does not start as it should\n{report}")


def _measured(
    factory: Callable[..., Any], inputs: Any, seeds: range, train: bool, loss: str | None, targets: Any
) -> Measured:
    """Measure with the framework that the factory builds for, which alone is imported."""
    known = framework(factory)
    if known == "torch":
        from audit.pytorch import measure

        return measure(factory, inputs, seeds, train=train, loss=loss, targets=targets)
    if loss:
        raise AuditError("a loss is known of PyTorch models only; leave it out, and random signs run backwards")
    if known == "keras":
        from audit import keras

        return keras.measure(factory, inputs, seeds, train=train)
    if known == "flax.nnx":
        from audit.flax import nnx

        return nnx.measure(factory, inputs, seeds, train=train)
    from audit import flax

    return flax.measure(factory, inputs, seeds, train=train)


def _fingerprint(inputs: Any) -> str:
    """Return shapes of the inputs, and a hash of their numbers."""
    given, told = arrays(inputs), hashlib.sha256()
    shapes = ", ".join(f"{name}{'=' if name else ''}{'x'.join(map(str, one.shape))}" for name, one in given.items())
    for name, one in sorted(given.items()):
        told.update(f"{name} {one.shape} {one.dtype}".encode() + np.ascontiguousarray(one).tobytes())
    return f"{shapes} {told.hexdigest()[:16]}"


def _statements(
    found: Measured, claims: Mapping[str, Claim], keeping: list[str], alpha: float
) -> tuple[list[Statement], list[Place]]:
    linear = layers.testable(found)
    drawn = len(tested(found.parts)) + sum(one.role == "other" and bool(_claim(one, claims)) for one in found.parts)
    count = recognise.TESTS * drawn + layers.TESTS * len(linear) + len(rectifiers(found)) + len(saturating(found)) + 3
    share, blocks = alpha / (count + places.tests(found)), counted(found)
    known: dict[str, list[Recognised]] = defaultdict(list)
    for part in found.parts:
        known[part.parameter].append(recognise.recognise(part, found, _claim(part, claims), share, blocks))
    exact = [layers.test_layer(one, known, share) for one in linear]
    said = [
        one.statement for group in odd_ones(known, share, linear[-1].weight if linear else "").values() for one in group
    ]
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
        *at_start(found, share),
        *bound(found),
        *gradients(found),
        *forgetting(found),
        *silent(found, share),
        *saturated(found, share),
        *draws(found),
        *_idle(found),
    ], line


def _idle(found: Measured) -> list[Statement]:
    """Warn that batch norm does nothing in eval mode before training."""
    idle = [one.name for one in found.in_order() if one.kind.startswith("BatchNorm") and not found.train]
    words = f"{len(idle)} layers of batch norm do nothing in eval mode before training; use train mode to see them work"
    return [Statement(kind="activation", where=idle[0], verdict="note", words=words)] if idle else []


def _claim(part: Part, claims: Mapping[str, Claim]) -> Claim | None:
    """Return the last claim whose pattern a parameter matches."""
    fitting = [claim for pattern, claim in claims.items() if _meant(part, pattern, claim)]
    return fitting[-1] if fitting else None


def _meant(part: Part, pattern: str, claim: Claim) -> bool:
    """Whether a claim is about a parameter: any weight that it matches; a lookup, or what has no fans, by its name."""
    apart = pattern != "*" and (part.role == "embedding" or (part.role == "other" and claim.fans is not None))
    return fnmatchcase(part.parameter, pattern) and (part.role == "weight" or apart)


def _used(claims: Mapping[str, Claim], found: Measured) -> None:
    weights = [one.parameter for one in found.parts if one.role == "weight"]
    for pattern, claim in claims.items():
        if not any(_meant(one, pattern, claim) for one in found.parts):
            raise AuditError(
                f"no weight of a linear layer matches {pattern!r}; there are {', '.join(weights[:8]) or 'none'}"
            )
