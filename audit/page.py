"""An audit as one HTML page that fetches nothing: pictures of both ways, verdicts worst first, and every module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from audit.measured import Module
from audit.picture import MARKS, along, picture
from audit.report import Report
from audit.statement import Statement, Verdict
from audit.terminal import grouped, totals
from claims.reports.style import sheet

KEY = (
    "A column is a module, in order of call; its number is that of the table below. A dot is the median over the "
    "seeds, its bar reaches from 5 % to 95 % of them. A blue dash is what a layer’s rule promises for the input that "
    "it had, and the band where the seeds’ average may lie. The line joins the blocks that the depth is judged by. "
    "Coloured columns lead to what is said of them."
)
WHOLE = "The blue line is what is predicted of the whole net from its input alone; it is broken where it is mean field."
"""Said where a report has such predictions."""
SHOWN = {"output mean square": "mean square", "output mean": "mean", "output zeros": "zeros"}
SHOWN |= {"gradient mean square": "gradient’s mean square"}
"""What the table says of a module."""


def render(report: Report, title: str) -> str:
    """Return the page of an audit of the model called `title`."""
    groups = grouped(report.statements)
    told = [group for group in groups if group[0].verdict != "sound"]
    sound = [group for group in groups if group[0].verdict == "sound"]
    links = _links(report, told)
    counted, how, verdict = totals(report)
    style = sheet("base") + Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Audit of {escape(title)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">',
        f'<style>{style}</style></head><body><a class="skip" href="#verdicts">Skip to the verdicts</a>',
        f"<header><h1>Audit of {escape(title)}</h1>",
        f'<p class="tile {"held" if report.sound else "refuted"}">{escape(verdict.partition(":")[0])}</p>',
        f'<p class="quiet">{escape(counted)}<br>{escape(how)}</p></header>',
        '<div class="beside"><section class="pictures" aria-label="Mean squares">',
        picture(report, "output", "Forwards: mean square behind each module", links),
        picture(
            report, "gradient", "Backwards: mean square of the gradient there, given random signs at the end", links
        ),
        f'<p class="quiet">{KEY} {WHOLE if along(report) else ""}</p></section>',
        '<main id="verdicts" tabindex="-1"><h2>Verdicts, worst first</h2>',
        *(_article(group, f"s{number}") for number, group in enumerate(told)),
        f"<details><summary>Sound: {sum(map(len, sound))}</summary>{''.join(map(_article, sound))}</details>",
        "</main></div>",
        *_table(report.measured.in_order()),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _links(report: Report, groups: Sequence[Sequence[Statement]]) -> dict[str, tuple[str, Verdict]]:
    """Return where the worst about a module is said: of itself, or of a parameter of its own."""
    links: dict[str, tuple[str, Verdict]] = {}
    for number, group in enumerate(groups):
        for one in group:
            owner = _owner(one.where, report.measured.modules)
            if one.verdict in ("against", "unsure") and one.kind != "depth" and owner is not None:
                links.setdefault(owner, (f"s{number}", one.verdict))
    return links


def _owner(where: str, modules: Mapping[str, Module]) -> str | None:
    """Return the innermost module that is called and whose name `where` is or begins with."""
    called = [name for name, one in modules.items() if one.order >= 0]
    inside = [name for name in called if where == name or (name and where.startswith(f"{name}."))]
    return max(inside, key=len, default=None)


def _article(group: Sequence[Statement], place: str = "") -> str:
    one, *others = group
    look = {"note": "note"}.get(one.verdict, MARKS[one.verdict])
    more = f" and {len(others)} more" if others else ""
    parts = [
        f'<article class="{look}"' + (f' id="{place}">' if place else ">"),
        f'<p><span class="badge {look}">{one.verdict}</span><span class="quiet">{escape(one.kind)}</span></p>',
        f"<h3>{escape(one.where or 'the model')}{more}</h3><p>{escape(one.words)}</p>",
        f"<p><b>Cause:</b> {escape(one.cause)}</p>" if one.cause else "",
    ]
    if others:
        names = ", ".join(escape(other.where) for other in others)
        parts.append(f'<details><summary>The others</summary><p class="others">{names}</p></details>')
    return "".join([*parts, "</article>"])


def _table(modules: Sequence[Module]) -> Iterator[str]:
    heads = "".join(f"<th>{head}</th>" for head in ("", "module", "class", "parameters", *SHOWN.values()))
    yield f"<details><summary>Every module, means over the seeds: {len(modules)}</summary>"
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="Modules"><table><tr>{heads}</tr>'
    for number, one in enumerate(modules, start=1):
        means = "".join(f"<td>{_number(one.mean(what))}</td>" for what in SHOWN)
        yield (
            f"<tr><td>{number}</td><td>{escape(one.name or 'the model')}</td><td>{escape(one.kind)}</td>"
            f"<td>{one.size}</td>{means}</tr>"
        )
    yield "</table></div></details>"


def _number(value: float) -> str:
    return f"{value:.3g}" if value == value else ""
