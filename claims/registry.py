"""How a claim is written: a function that returns a finding; mutants are the same function with one thing wrong.

    @claim("R2", paper=FIXUP, where="section 2", states=r"...", derivation=residual.doubling,
           mutants=[mutant("averaging", "...", growth=averaged_growth)])
    def residual_stream_doubles(run, *, growth=residual.block_growth): ...

The function is called once as it is and must come back held, then once per mutant with the mutant's keyword arguments
and must come back refuted, by the same evidence on the same random streams.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from claims.run import Run
from evidence import Finding
from theory.derivation import Derivation

Check = Callable[..., Finding]


@dataclass(frozen=True)
class Mutant:
    """A plausible wrong version: what it changes and what it confuses with what."""

    name: str
    why: str
    changes: dict[str, object]


@dataclass(frozen=True)
class Claim:
    """A statement of the literature, how it is derived, how it is checked, and its wrong versions."""

    id: str
    codes: tuple[str, ...]
    paper: str
    where: str
    states: str
    exact: bool
    derivations: tuple[Callable[[], Derivation], ...]
    check: Check
    mutants: tuple[Mutant, ...]

    @property
    def words(self) -> str:
        """The claim in words: the first line of the function's docstring."""
        return (inspect.getdoc(self.check) or self.id).splitlines()[0]

    @property
    def subject(self) -> str:
        """The folder that the claim stands in."""
        return self.id.partition(".")[0]

    def matches(self, pattern: str) -> bool:
        """Say whether a case-insensitive fnmatch pattern fits the id, a catalogue code or the paper."""
        return any(fnmatch(name.lower(), pattern.lower()) for name in (self.id, *self.codes, self.paper))

    def examine(self, run: Run, mutant: Mutant | None = None) -> Finding:
        """Run the check as it is, or with one thing wrong."""
        return self.check(run, **(mutant.changes if mutant else {}))


REGISTRY: dict[str, Claim] = {}
"""All claims by id, in the order of their files."""


def mutant(name: str, why: str, **changes: object) -> Mutant:
    """Describe a wrong version: keyword arguments of the claim's function, and in one sentence what it confuses."""
    return Mutant(name, why, changes)


def claim(
    *codes: str,
    paper: str,
    where: str,
    states: str,
    mutants: Sequence[Mutant],
    derivation: Callable[[], Derivation] | Sequence[Callable[[], Derivation]] = (),
    exact: bool = True,
) -> Callable[[Check], Check]:
    """Register a claim by its id, ``subject.function``, which is also the address of its random streams.

    The file within the subject is no part of it, so claims can move between files without changing a number.

    Parameters
    ----------
    *codes : str
        Its codes in the catalogue.
    states : str
        The statement in LaTeX.
    derivation : function or sequence of functions
        Where the statement is derived; checked step by step whenever the claim is.
    exact : bool
        False if the statement holds in a limit only or has no closed form; the docstring says what is known of the
        rest.

    Raises
    ------
    ValueError
        If there are fewer than two mutants, or one changes something that the function does not take.
    """

    def register(check: Check) -> Check:
        name = f"{_subject(check.__module__)}.{check.__name__}"
        if name in REGISTRY:
            raise ValueError(f"{name} is registered twice")
        if len(mutants) < 2 or len({m.name for m in mutants}) < len(mutants):
            raise ValueError(f"{name} needs at least two mutants, each with its own name")
        for m in mutants:
            unknown = set(m.changes) - set(inspect.signature(check).parameters)
            if unknown or not m.changes:
                raise ValueError(f"mutant {m.name!r} of {name} changes {sorted(unknown) or 'nothing'}")
        derivations = (derivation,) if callable(derivation) else tuple(derivation)
        REGISTRY[name] = Claim(name, codes, paper, where, states, exact, derivations, check, tuple(mutants))
        return check

    return register


def _subject(module: str) -> str:
    """Return the folder that a claim's file stands in; of a file elsewhere, its own name."""
    folders, _, file = module.rpartition(".")
    return folders.rpartition(".")[2] if folders.startswith(f"{__package__}.") else file
