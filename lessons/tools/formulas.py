"""Reading a student's formula: numbers, named variables, + - * / ^ and a few functions, and nothing else.

Nothing is evaluated as code: Python's grammar gives the order of operations, and a short list of its nodes is
allowed.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Collection, Mapping

LONGEST = 200
TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_]\w*)|(\*\*|[-+*/()]))")
SPELLINGS = {"^": "**", "×": "*", "·": "*", "−": "-", "–": "-", "÷": "/", "√": "sqrt ", "π": "pi", "²": "**2"}
WIDE = str.maketrans({chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {"。": "."})
"""What Chinese keyboards write for digits, letters, brackets and signs."""
FUNCTIONS: dict[str, Callable[[float], float]] = {"sqrt": math.sqrt, "exp": math.exp, "log": math.log, "ln": math.log}
CONSTANTS = {"pi": math.pi, "e": math.e}
OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
Formula = Callable[[Mapping[str, float]], float]


class FormulaError(ValueError):
    """What could not be read, in a word that the prose explains: empty, long, comma, name, grammar, value, thousands.

    Of a list it also has the entry that could not be read, and its place, from 1.
    """

    def __init__(self, kind: str, what: str = "", entry: str = "", place: int = 0) -> None:
        super().__init__(f"{kind}: {what}")
        self.kind, self.what, self.entry, self.place = kind, what, entry, place


def read(text: str | None, variables: Collection[str] = ()) -> Formula:
    """Return the formula in `text` as a function of its variables.

    It raises FormulaError too, where the formula has no finite real value.

    Raises
    ------
    FormulaError
        If `text` is empty, over 200 characters, or not a formula in these variables.
    """
    text = (text or "").translate(WIDE).strip()
    if not text:
        raise FormulaError("empty")
    if len(text) > LONGEST:
        raise FormulaError("long", str(LONGEST))
    if re.search(r"\d,\d", text):
        raise FormulaError("comma", text)
    if re.search(r"²\s*(\^|\*\*)", text):  # g²^L: (g²)^L or g^(2^L)?
        raise FormulaError("grammar", text)
    for seen, meant in SPELLINGS.items():
        text = text.replace(seen, meant)
    try:
        tree = ast.parse(_with_products(text, {*variables, *FUNCTIONS, *CONSTANTS}), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise FormulaError("grammar", text) from None
    _allowed(tree, variables)
    return lambda values: _finite(tree, values)


def read_list(text: str | None) -> list[float]:
    """Return the numbers of a list: formulas without variables, between commas, semicolons or Chinese commas.

    Raises
    ------
    FormulaError
        If the list is empty, if an entry has no value, or if only some commas stand between digits without a blank, as
        in ``1,000, 0,5``: these may be meant within a number.
    """
    text = (text or "").translate(WIDE)
    if re.search(r"\d,\d", text) and re.search(r",\s", text.strip()):
        raise FormulaError("thousands")
    entries = [entry.strip() for entry in re.split("[,;、]", text) if entry.strip()]
    if not entries:
        raise FormulaError("empty")
    values = []
    for place, entry in enumerate(entries, start=1):
        try:
            values.append(read(entry)({}))
        except FormulaError as error:
            raise FormulaError(error.kind, error.what, entry, place) from None
    return values


def _with_products(text: str, names: set[str]) -> str:
    """Split into tokens and write out the products of `5L/n` and `2(L + 1)`."""
    tokens: list[str] = []
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise FormulaError("grammar", text[position])
        digits, name, sign = match.groups()
        letters = bool(name) and name not in names and set(name) <= names  # nL
        for token in list(name) if letters else [digits or name or sign]:
            last = tokens[-1] if tokens else ""
            if _ends_value(last) and (token == "(" or token[0].isalpha() or (digits and not last[0].isdigit())):
                tokens.append("*")
            bare = last in FUNCTIONS and token[0].isalnum()  # √2
            tokens.append(f"({token})" if bare else token)
        position = match.end()
    return " ".join(tokens)


def _ends_value(token: str) -> bool:
    return token not in FUNCTIONS and (token[-1:].isalnum() or token[-1:] in {".", ")"})


def _allowed(node: ast.expr, variables: Collection[str]) -> None:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            pass
        case ast.Name(id=name):
            if name not in variables and name not in CONSTANTS:
                raise FormulaError("name", name)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=inner):
            _allowed(inner, variables)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in OPERATIONS:
            _allowed(left, variables)
            _allowed(right, variables)
        case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in FUNCTIONS:
            _allowed(inner, variables)
        case ast.Call(func=ast.Name(id=name)):
            raise FormulaError("name", name)
        case _:
            raise FormulaError("grammar", ast.unparse(node))


def _finite(tree: ast.expr, values: Mapping[str, float]) -> float:
    try:
        value = _value(tree, {**CONSTANTS, **values})
    except (ArithmeticError, ValueError, TypeError):  # TypeError: a function of a complex number
        raise FormulaError("value") from None
    if isinstance(value, complex) or not math.isfinite(value):
        raise FormulaError("value")
    return value


def _value(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return float(values[name])
        case ast.UnaryOp(op=sign, operand=inner):
            return -_value(inner, values) if isinstance(sign, ast.USub) else _value(inner, values)
        case ast.BinOp(left=left, op=operation, right=right):
            return OPERATIONS[type(operation)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=[inner]):
            return FUNCTIONS[name](_value(inner, values))
    raise AssertionError(f"a node that was not allowed: {ast.dump(node)}")
