"""Rewriting rules written as text: `x * 1 -> x`.

A pattern is Python: operators and NumPy's functions, `x`, `y`, `z` for anything, `c` for a finite
number other than 0 that is known, numbers for themselves, `...` for an axis and the like, if there
are any; other operands, as in `np.sum(x, initial=1)`, are none. Sums and products match in either
order. A rule applies where the result keeps its shape and dtype, to real numbers only.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from tinygrad_ce.programs.program import Line, Value, call
from tinygrad_ce.rules.kinds import Function

__all__ = ["Makers", "Rewriting", "Rule", "number", "parsed"]

# What a rule is told: the line, and what made each Value. It answers with what takes the result's
# place, and the lines that make it; or with None.
Rewriting = tuple[list[Line], Any]


class Makers(dict[Value, Line]):
    """The line that makes each Value.

    Attributes:
        facts: what the program has checked before: (function, Value, further arguments).
        sizes: how many lines are written in a Value, as far as somebody counted.
    """

    def __init__(self, lines: Mapping[Value, Line] | None = None) -> None:
        super().__init__(lines or {})
        self.facts: set[Any] = set()
        self.sizes: dict[Any, int] = {}


Apply = Callable[[Line, Makers], Rewriting | None]

_OPERATORS: dict[type, tuple[Function, ...]] = {
    ast.Add: (np.add, operator.add), ast.Sub: (np.subtract, operator.sub),
    ast.Mult: (np.multiply, operator.mul), ast.Div: (np.divide, operator.truediv),
    ast.Pow: (np.power,), ast.USub: (np.negative, operator.neg), ast.UAdd: (np.positive,),
    ast.MatMult: (np.matmul,), ast.Eq: (np.equal,),
}  # fmt: skip
_COMMUTE = (np.add, np.multiply)
_REST = frozenset({"axis", "dtype", "keepdims"})  # what `...` may be, by name


class Rule:
    """One simplification.

    Attributes:
        name: what it is called, which for a pattern is its text.
        functions: whose lines it looks at.
        apply: what it does.
    """

    def __init__(self, name: str, functions: tuple[Function, ...], apply: Apply) -> None:
        self.name, self.functions, self.apply = name, functions, apply

    def __repr__(self) -> str:
        return f"<rule {self.name}>"


class _Call:
    """A pattern: one of these functions called with arguments of these patterns."""

    def __init__(self, functions: tuple[Function, ...], args: tuple[Any, ...], rest: bool) -> None:
        self.functions, self.args, self.rest = functions, args, rest


def parsed(text: str, own: Mapping[str, Function] | None = None) -> list[Rule]:
    """The rules in a text, one a line; `own` are functions that are called by their name alone."""
    rules = []
    for row in filter(None, map(str.strip, text.splitlines())):
        before, after = (_pattern(side, own or {}) for side in row.split(" -> "))
        for variant in _orders(before):
            rules.append(Rule(row, variant.functions, _applying(variant, after)))
    return rules


def _pattern(text: str, own: Mapping[str, Function]) -> Any:
    return _read(ast.parse(text.strip(), mode="eval").body, own)


def _read(node: ast.AST, own: Mapping[str, Function]) -> Any:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
        return -node.operand.value  # type: ignore[operator]
    if isinstance(node, ast.UnaryOp):
        return _Call(_OPERATORS[type(node.op)], (_read(node.operand, own),), False)
    if isinstance(node, ast.BinOp):
        sides = _read(node.left, own), _read(node.right, own)
        return _Call(_OPERATORS[type(node.op)], sides, False)
    if isinstance(node, ast.Compare):
        sides = _read(node.left, own), _read(node.comparators[0], own)
        return _Call(_OPERATORS[type(node.ops[0])], sides, False)
    if isinstance(node, ast.Call):
        known = own.get(node.func.id) if isinstance(node.func, ast.Name) else None
        function = known or getattr(np, getattr(node.func, "attr", ""))
        args = tuple(_read(arg, own) for arg in node.args)
        rest = bool(args) and args[-1] is Ellipsis
        return _Call((function,), args[: len(args) - rest], rest)
    raise ValueError(f"a pattern cannot contain {ast.unparse(node)}")


def _orders(pattern: Any) -> Iterator[Any]:
    """The pattern with the operands of sums and products in either order."""
    if not isinstance(pattern, _Call):
        yield pattern
        return
    for args in product(*map(list, map(_orders, pattern.args))):
        yield _Call(pattern.functions, args, pattern.rest)
        if pattern.functions[0] in _COMMUTE and args[0] != args[1]:
            yield _Call(pattern.functions, args[::-1], pattern.rest)


def _applying(before: Any, after: Any) -> Apply:
    def apply(line: Line, makers: Makers) -> Rewriting | None:
        if line.several or not line.results or not _is_real(line.results[0]):
            return None
        found: dict[str, Any] = {}
        if not _matches_line(before, line, makers, found) or not _is_fine(found, line.result):
            return None
        lines: list[Line] = []
        made = _built(after, found, lines, line.part)
        return (lines, made) if _same_kind(made, line.result) else None

    return apply


def _is_real(value: Value) -> bool:
    return value.dtype.kind == "f" or value.dtype == bool


def _is_fine(found: Mapping[str, Any], result: Value) -> bool:
    """Whether c is a finite number other than 0 in the result's dtype: 1e-308 is none."""
    if "c" not in found:
        return True
    with np.errstate(all="ignore"):
        c = result.dtype.type(found["c"])
    return bool(c != 0 and np.isfinite(c))


def _same_kind(made: Any, value: Value) -> bool:
    if isinstance(made, Value):
        return (made.shape, made.dtype, made.weak) == (value.shape, value.dtype, value.weak)
    return np.shape(made) == value.shape and getattr(made, "dtype", None) == value.dtype


def _matches(pattern: Any, x: Any, makers: Makers, found: dict[str, Any]) -> bool:
    if isinstance(pattern, _Call):
        line = makers.get(x) if isinstance(x, Value) else None
        return line is not None and _matches_line(pattern, line, makers, found)
    if isinstance(pattern, str):
        if pattern in found:
            return _is_same(found[pattern], x)
        if pattern == "c" and number(x) is None:
            return False
        found[pattern] = x
        return True
    return not isinstance(x, bool) and number(x) == pattern


def _matches_line(pattern: _Call, line: Line, makers: Makers, found: dict[str, Any]) -> bool:
    if line.function not in pattern.functions or line.several:
        return False
    if pattern.rest:
        if len(line.args) < len(pattern.args) or not _REST.issuperset(line.kwargs):
            return False
        if len(line.args) > len(pattern.args) + 2:  # axis and dtype
            return False
        if found.setdefault("...", (line.args[len(pattern.args) :], line.kwargs)) is None:
            return False
    elif line.kwargs or len(line.args) != len(pattern.args):
        return False
    return all(_matches(p, x, makers, found) for p, x in zip(pattern.args, line.args))


def _is_same(a: Any, b: Any) -> bool:
    if isinstance(a, Value) or isinstance(b, Value):
        return a is b
    n = number(a)
    return n is not None and n == number(b)


def number(x: Any) -> float | None:
    """The number that x is; an array with the same number everywhere counts as that number."""
    if type(x) in (float, int):
        return x  # type: ignore[no-any-return]
    if (
        isinstance(x, np.ndarray | np.generic)
        and x.dtype.kind in "fiu"
        and x.size == 1
        and not x.shape
    ):
        return float(x)
    return None


def _built(pattern: Any, found: dict[str, Any], lines: list[Line], part: str) -> Any:
    if isinstance(pattern, _Call):
        args = [_built(p, found, lines, part) for p in pattern.args]
        rest, named = found["..."] if pattern.rest else ((), {})
        weak = len(pattern.functions) > 1 and all(
            getattr(x, "weak", None) if isinstance(x, Value) else type(x) in (int, float)
            for x in args
        )
        function = pattern.functions[1 if weak else 0]
        line = call(function, *args, *rest, part=part, **named)
        lines.append(line)
        return line.result
    return found[pattern] if isinstance(pattern, str) else pattern
