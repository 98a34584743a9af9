"""The gallery page: every picture with its finding, what it shows in words, and the command that makes it."""

from __future__ import annotations

from figures.tools.figure import Figure

HEAD = """# Gallery

Closed forms are lines, measurements are points, most with bars of three standard errors. Only where there is no closed
form does a thin dotted line join measured points, so that a series can be followed. The key below each picture says
what its marks are. `make figures` draws all of it again, `python -m figures NAME` one, and `python -m figures --check`
says which picture no longer shows what the code finds. For a paper, `python -m figures NAME --out DIR --no-title --size
3.25x2.5 --format pdf` draws one without its title, in inches, into a folder of yours. The numbers behind each picture
are in `data/`.
"""


def page(figures: dict[str, Figure]) -> str:
    """Return the page as Markdown."""
    return "\n".join([HEAD, *(_entry(name, figure) for name, figure in figures.items())])


def _entry(name: str, figure: Figure) -> str:
    alt = figure.alt.replace("[", "(").replace("]", ")")
    return (
        f"## {figure.title}\n\n![{alt}](pictures/{name}.svg)\n\n{figure.finding}\n\n"
        f"*{figure.source}.* `python -m figures {name}`\n"
    )
