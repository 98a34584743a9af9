"""List what another language has not yet: ``python -m lessons.tools.untranslated [KIND ...]``.

The lessons show sentences that other parts of Fathom have in English. Each is the name of a section in
``prose/zh/derivations.md``, ``claims.md``, ``findings.md``, ``gallery.md`` or ``report.md``, whose text is its
translation. What this prints are such sections without text, to be filled and put there. Exit status: 0 if nothing is
missing, else 1.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from claims.catalogue import REGISTRY, question
from claims.examine import share_of_alpha
from claims.registry import Claim, Mutant
from claims.reports import summary
from claims.run import Run
from lessons.tools import pages
from lessons.tools.language import ENGLISH, LANGUAGES
from lessons.tools.prose import FOLDER, Prose, plain, without_numbers
from lessons.tools.server import HERE, notebooks
from simulations import digits
from theory.derivation import Derivation


def main(arguments: list[str] | None = None) -> int:
    """Print what is missing and return 1, or 0 if nothing is."""
    kinds = (sys.argv[1:] if arguments is None else arguments) or list(SHOWN)
    if unknown := set(kinds) - SHOWN.keys():
        print(f"error: {' '.join(sorted(unknown))}: expected some of {' '.join(SHOWN)}", file=sys.stderr)
        return 2
    found = False
    for language in LANGUAGES.keys() - {ENGLISH}:
        for kind in kinds:
            for sentence in missing(kind, language):
                print(f"<!-- {sentence} -->\n")
                found = True
    return int(found)


def missing(kind: str, language: str) -> list[str]:
    """Return the English sentences of a kind that the lessons show and that a language lacks."""
    path = FOLDER / language / f"{kind}.md"
    there = Prose(kind, language=language).sections if path.exists() else {}
    return [sentence for sentence in shown(kind) if not there.get(sentence)]


@cache
def shown(kind: str) -> tuple[str, ...]:
    """Return the English sentences of a kind that the lessons show, once each, in their order."""
    return tuple(dict.fromkeys(map(plain, SHOWN[kind]())))


def derivations() -> Iterator[str]:
    """Return titles and sentences of all derivations that notebooks show."""
    for name, path in notebooks().items():
        for one in derivations_of(path, import_module(f"lessons.lesson_{name}")):
            yield from (one.title, *(step.says for step in one.steps))


def derivations_of(path: Path, module: ModuleType) -> Iterator[Derivation]:
    """Return the derivations that a notebook shows."""
    for call in _calls(path, "derivation"):
        for argument in call.args:
            yield _called(argument, module)


def _calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
            yield node


def _called(node: ast.expr, module: ModuleType) -> Derivation:
    """Return what ``norms.growth(2)`` gives, where `module` has imported ``norms``."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name), args=arguments, keywords=[]):
            made = getattr(getattr(module, owner), name)(*map(ast.literal_eval, arguments))
            assert isinstance(made, Derivation)
            return made
    raise ValueError(f"{module.__name__} shows a derivation as {ast.unparse(node)}; expected module.function(numbers)")


def claims() -> Iterator[str]:
    """Return claims and their wrong versions that lessons name: the sentence, the wrong one's name, its reason."""
    for claim, wrong_ones in on_offer():
        yield claim.words
        for wrong in wrong_ones:
            yield from (wrong.name, wrong.why)


def on_offer() -> Iterator[tuple[Claim, list[Mutant]]]:
    """Return the claims that lessons name, each with those of its wrong versions that the same lesson names."""
    for name, path in notebooks().items():
        files = (path, HERE / "experiments" / f"{name.partition('_')[2]}.py")
        named = {text for file in files for text in _texts(file)}
        for claim in (REGISTRY[one] for one in REGISTRY if one in named):
            yield claim, [wrong for wrong in claim.mutants if wrong.name in named]


def findings() -> Iterator[str]:
    """Return what the evidence on these says in words, at the effort and the seed of the lessons; some ten seconds."""
    yield from ("held", "refuted", "inconclusive")
    for claim, wrong_ones in on_offer():
        run = Run(claim.id, digits(0), 0, "quick", share_of_alpha())
        for found in (claim.examine(run, one) for one in (None, *wrong_ones)):
            said = (found.expected, found.measured)
            yield from (without_numbers(one) for one in said if isinstance(one, str))


def _texts(path: Path) -> Iterator[str]:
    """Return the text constants of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def gallery() -> Iterator[str]:
    """Return titles, findings, descriptions and sources of the figures."""
    return (words for _, words, _ in pages.gallery_blocks())


def report() -> Iterator[str]:
    """Return the report's headings, and the question of each subject below its own."""
    for path in sorted((HERE.parent / "claims" / "reports").glob("*.py")):
        yield from re.findall(r"<h2>([^<{]+)</h2>", path.read_text(encoding="utf-8"))
    for subject in dict.fromkeys(one.partition(".")[0] for one in REGISTRY):
        yield from (summary.title(subject), question(subject))


SHOWN: dict[str, Callable[[], Iterable[str]]] = {
    "derivations": derivations,
    "claims": claims,
    "findings": findings,
    "gallery": gallery,
    "report": report,
}

if __name__ == "__main__":
    sys.exit(main())
