"""What the tests of initialisers found, as tables for people."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from evidence.finding import Finding

WIDTH = 80


@dataclass(frozen=True)
class InitialiserReport:
    """What the tests of one initialiser found, by the property tested."""

    fan_in: int
    fan_out: int
    draws: int
    findings: dict[str, Finding]
    ratio: tuple[float, float]
    """Ends of a confidence interval (99.9 %) of the true variance over the stated one."""
    causes: tuple[str, ...] = ()
    """Of a wrong variance: all causes known here that are consistent with the interval."""
    notes: tuple[str, ...] = ()
    """Of a wrong law: what the sample looks like instead."""

    @property
    def passed(self) -> bool:
        """Whether every property held."""
        return all(finding.verdict == "held" for finding in self.findings.values())

    def __str__(self) -> str:
        """Return a table, a line a property, and what may be the cause."""
        verdict = "passed" if self.passed else "FAILED"
        lines = [f"{self.fan_in} inputs, {self.fan_out} outputs, {self.draws} draws: {verdict}"]
        lines += [f"{'':24}{'expected':>12}{'measured':>12}{'sees':>8}  verdict"]
        lines += [_line(name, finding) for name, finding in self.findings.items()]
        return "\n".join([*lines, *self.why()])

    def why(self) -> list[str]:
        """Return what may be the cause, in lines; nothing if all held."""
        lines = [*self.notes]
        if not self.passed and not self.ratio[0] <= 1 <= self.ratio[1]:
            known = "is consistent with" if self.causes else "fits no cause known here"
            lines.append(f"variance / stated, {_number(self.ratio[0])} to {_number(self.ratio[1])} (99.9 %), {known}")
            lines += [f"- {cause}" for cause in self.causes]
        return [part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent="  ")]


@dataclass(frozen=True)
class ParametersReport:
    """What the tests of named parameters found."""

    reports: Mapping[str, InitialiserReport]

    @property
    def passed(self) -> bool:
        """Whether every property of every parameter held."""
        return all(report.passed for report in self.reports.values())

    def __str__(self) -> str:
        """Return a line a parameter, and below those that failed what failed and why."""
        count = len(self.reports)
        good = sum(report.passed for report in self.reports.values())
        lines = [f"{good} of {count} parameters passed"]
        for name, report in self.reports.items():
            low, high = (_number(end) for end in report.ratio)
            lines.append(f"{'passed' if report.passed else 'FAILED'}  {name}: variance / stated {low} to {high}")
            if not report.passed:
                wrong = [_line(key, one) for key, one in report.findings.items() if one.verdict != "held"]
                lines += [f"  {line}" for line in (*wrong, *report.why())]
        return "\n".join(lines)


def _line(name: str, found: Finding) -> str:
    expected, measured = (_number(value, 11) for value in (found.expected, found.measured))
    sees = _number(found.detectable, 7, 2)
    return f"{name:24} {expected} {measured} {sees}  {found.verdict} {found.note}".rstrip()


def _number(value: float | str, width: int = 0, digits: int = 4) -> str:
    if isinstance(value, str):
        return f"{value:>{width}}"
    return f"{value:>{width}.{digits}g}" if math.isfinite(value) else f"{'-':>{width}}"
