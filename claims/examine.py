"""Run claims and their mutants, on this process or on several, and say what came of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from claims.catalogue import REGISTRY
from claims.registry import Claim, Mutant
from claims.run import ALPHA, MISS, Effort, Run
from evidence import Finding, inconclusive
from simulations import Inputs
from simulations.executors import processes
from theory.derivation import Derivation
from theory.rules import DerivationError


class Checked(NamedTuple):
    """A derivation's title, each step's sentence and how it was verified; or, without steps, what is wrong with it."""

    title: str
    steps: tuple[tuple[str, str], ...] = ()
    trouble: str = ""


@dataclass(frozen=True)
class Result:
    """A claim, what its examination found, the same for its mutants, and how its derivations were checked."""

    claim_id: str
    finding: Finding
    mutants: tuple[tuple[str, Finding], ...]
    seconds: float
    derivations: tuple[Checked, ...] = ()

    @property
    def refuted(self) -> int:
        """The number of mutants refuted."""
        return sum(finding.verdict == "refuted" for _, finding in self.mutants)

    @property
    def passed(self) -> bool:
        """Whether the claim held and every mutant was refuted."""
        return self.finding.verdict == "held" and self.refuted == len(self.mutants)


def share_of_alpha() -> float:
    """Return the false-alarm probability of one claim: the run's, divided by all claims there are, run or not."""
    return ALPHA / len(REGISTRY)


def spent_on_misses(results: Sequence[Result]) -> float:
    """Return the summed probability that a mutant of these survives; at most `MISS` in a good run."""
    return sum(finding.miss for result in results for _, finding in result.mutants)


def passed(results: Sequence[Result]) -> bool:
    """Whether every claim held, every mutant was refuted, and both within the error budgets."""
    return all(result.passed for result in results) and spent_on_misses(results) <= MISS


def run_claims(
    claims: Sequence[Claim],
    *,
    inputs: Inputs,
    seed: int,
    effort: Effort,
    workers: int,
    on_result: Callable[[Result], None] = lambda result: None,
    executor: Executor | None = None,
) -> list[Result]:
    """Examine `claims` with `workers` processes, or on `executor`; results come in their order and are the same."""
    if executor is None and (workers == 1 or len(claims) < 2):
        results = []
        with threadpool_limits(1):
            for claim in claims:
                results.append(examine(claim.id, inputs, seed, effort))
                on_result(results[-1])
        return results
    with contextlib.ExitStack() as stack:
        pool = executor or stack.enter_context(processes(min(workers, len(claims)))).executor
        # The last claims of the registry take longest: begin with them, so that workers end at about one time.
        futures = [pool.submit(examine, claim.id, inputs, seed, effort) for claim in reversed(claims)]
        for done in as_completed(futures):
            on_result(done.result())
        return [future.result() for future in reversed(futures)]


def examine(claim_id: str, inputs: Inputs, seed: int, effort: Effort) -> Result:
    """Check a claim's derivation, then its statement, then every mutant on the same streams."""
    if claim_id not in REGISTRY:  # a user's own, in a worker process
        import_module(claim_id.partition(".")[0])
    claim = REGISTRY[claim_id]
    run = Run(claim_id, inputs, seed, effort, share_of_alpha())
    start = time.perf_counter()
    derivations = tuple(checked(derive) for derive in claim.derivations)
    troubles = "; ".join(one.trouble for one in derivations if one.trouble)
    finding = inconclusive("derivation", troubles) if troubles else _find(claim, run, None)
    mutants = tuple((m.name, _find(claim, run, m)) for m in claim.mutants)
    return Result(claim_id, finding, mutants, time.perf_counter() - start, derivations)


def _find(claim: Claim, run: Run, mutant: Mutant | None) -> Finding:
    try:
        with np.errstate(all="ignore"):  # what is not finite, the evidence calls inconclusive
            return claim.examine(run, mutant)
    except Exception as error:  # a claim that raises has failed, and the others must still be heard
        return inconclusive("error", f"{type(error).__name__}: {error}")


@cache
def checked(derive: Callable[[], Derivation]) -> Checked:
    """Check a derivation, or say which step does not follow; claims that share a derivation check it once."""
    title = ""
    try:
        derivation = derive()
        title = derivation.title
        ways = derivation.check()
    except DerivationError as error:
        return Checked(title, trouble=str(error))
    except Exception as error:  # so that the other claims are still heard
        return Checked(title, trouble=f"{type(error).__name__}: {error}")
    return Checked(title, tuple((step.says, how) for step, how in zip(derivation.steps, ways, strict=True)))
