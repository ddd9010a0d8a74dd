"""The arguments of a theorem: their symbols, what is given about them, and points to try."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import cycle
from math import isfinite
from typing import Any

import numpy as np

from tinygrad_ce.errors import Error
from tinygrad_ce.testing.exact import sympy
from tinygrad_ce.testing.symbolic import Symbols
from tinygrad_ce.testing.symbols import Branch, Term, expression

__all__ = ["PremiseError", "Premises", "names_of", "symbol_of"]

Range = tuple[float, float]
_ANYWHERE = (-float("inf"), float("inf"))
SCALES = (1, 1, 8, 1, Fraction(1, 8))  # of one point after the other: branches may lie far out


class PremiseError(Error, ValueError):
    """What is given about the arguments of a theorem makes no sense."""


class Premises:
    """The symbols of the arguments, what is given about them, and points to try."""

    def __init__(
        self, f: Any, shapes: Any, positive: Any, sums: Any, within: dict[str, Range], seed: int
    ) -> None:
        shapes = _named(f, shapes)
        self.shapes = {
            name: shape if isinstance(shape, tuple) else (shape,) for name, shape in shapes.items()
        }
        self.names = list(self.shapes)
        positive = {positive} if isinstance(positive, str) else set(positive)
        self.sums = {sums} if isinstance(sums, str) else set(sums)
        for name in (*positive, *self.sums, *within):
            self.named(name)
        if self.sums & within.keys():
            raise PremiseError(
                f"sums_to_one and within both name {', '.join(self.sums & within.keys())}",
                "entries that sum to 1 may be positive; other ranges are not known",
                "pass positive= for these, and leave them out of within=",
            )
        for name, (low, high) in within.items():
            if not low < high:
                raise PremiseError(
                    f"{name} is to lie between {low} and {high}",
                    "of nothing everything can be proved",
                    "pass an interval as (low, high)",
                )
        self.ranges = {**dict.fromkeys(positive, (0.0, float("inf"))), **within}
        self.random, self.scales = random.Random(seed), cycle(SCALES)
        self.charts: dict[Any, Any] = {}
        self.symbols = {name: self._array(name, shape) for name, shape in self.shapes.items()}
        self.sentences = tuple(self._premise(name) for name in self.names)

    def named(self, argument: str | int) -> str:
        """The name of an argument, given by name or position."""
        if argument in self.names:
            return str(argument)
        if isinstance(argument, int) and -len(self.names) <= argument < len(self.names):
            return str(self.names[argument])
        raise PremiseError(
            f"{argument!r} is none of the arguments",
            f"these are {', '.join(self.names)}",
            "name one of them",
        )

    def _array(self, name: str, shape: tuple[int, ...]) -> Any:
        low, high = self.ranges.get(name, _ANYWHERE)
        array = np.empty(shape, object)
        for index in np.ndindex(shape):
            array[index] = symbol_of(name, index, positive=low >= 0)
            if name not in self.sums:
                self._bound(array[index], low, high)
        if name in self.sums:
            for index in np.ndindex(shape[:-1]):
                self._simplex(list(array[index]), low)
        return array

    def _bound(self, symbol: Any, low: float, high: float) -> None:
        """A bounded symbol is a function of a positive one, of which SymPy knows more."""
        u = sympy.Symbol(f"{symbol.name}'", positive=True)
        a, b = expression(float(low)), expression(float(high))
        if isfinite(low) and isfinite(high):
            self.charts[symbol] = (a + b * u) / (1 + u)
        elif isfinite(high):
            self.charts[symbol] = b - u
        elif isfinite(low) and a != 0:
            self.charts[symbol] = a + u

    def _simplex(self, row: list[Any], low: float) -> None:
        """Entries with the sum 1: u_i / sum(u) with one u that is 1, or 1 minus the others."""
        if low < 0:
            self.charts[row[-1]] = 1 - sum(row[:-1], sympy.Integer(0))
            return
        u = [sympy.Symbol(f"{symbol.name}'", positive=True) for symbol in row[:-1]]
        total = 1 + sum(u, sympy.Integer(0))
        for symbol, part in zip(row, [*u, sympy.Integer(1)], strict=True):
            self.charts[symbol] = part / total

    def _premise(self, name: str) -> str:
        shape = self.shapes[name]
        low, high = self.ranges.get(name, _ANYWHERE)
        if isfinite(low) and isfinite(high):
            text = f"{low:g} < {name} < {high:g}"
        else:
            text = f"{name} > {low:g}" if isfinite(low) else name
            text = f"{name} < {high:g}" if isfinite(high) else text
        space = "R" if not shape else "R^" + "x".join(map(str, shape))
        along = ", axis=-1" if len(shape) > 1 else ""
        sums = f" with sum({name}{along}) = 1" if name in self.sums else ""
        return f"{text} in {space}{sums}"

    def draw(self) -> tuple[Branch, dict[str, Symbols]]:
        """A branch with a fresh point, and the arguments on it."""
        point, scale = {}, next(self.scales)
        for name, array in self.symbols.items():
            low, high = self.ranges.get(name, _ANYWHERE)
            for symbol in array.flat:
                point[symbol] = self._number(low, high, scale)
            if name in self.sums:
                for row in array.reshape(-1, array.shape[-1]):
                    total = sum(point[symbol] for symbol in row)
                    point.update({symbol: point[symbol] / total for symbol in row})
        branch = Branch(point, self.charts)
        return branch, {name: _terms(array, branch) for name, array in self.symbols.items()}

    def _number(self, low: float, high: float, scale: Any) -> Any:
        """A rational number in the interval, at which nothing special should happen."""
        unit = sympy.Rational(self.random.randrange(100, 9900), 9973)
        if isfinite(low) and isfinite(high):
            return expression(float(low)) + unit * expression(float(high - low))
        if isfinite(low):
            return expression(float(low)) + 2 * scale * unit
        if isfinite(high):
            return expression(float(high)) - 2 * scale * unit
        return scale * (4 * unit - 2)


def _named(f: Any, shapes: Any) -> dict[str, Any]:
    """The shapes by the names of the arguments, in f's order if the names are f's."""
    if not isinstance(shapes, Mapping | Sequence):
        raise PremiseError(
            f"shapes={shapes!r}", "there is a shape for each argument of f",
            "pass [3], or {'x': 3} with a name",
        )  # fmt: skip
    names = names_of(f, len(shapes))
    if not isinstance(shapes, Mapping):
        return dict(zip(names, shapes, strict=True))
    return {name: shapes[name] for name in (names if {*names} == {*shapes} else shapes)}


def _terms(array: Any, branch: Branch) -> Symbols:
    made = np.empty(array.shape, object)
    for index in np.ndindex(array.shape):
        made[index] = Term(array[index], branch)
    symbols = Symbols(made)
    symbols.entries.setflags(write=False)  # f and the formula are to see the same
    return symbols


def symbol_of(name: str, index: tuple[int, ...], positive: bool = False) -> Any:
    """The symbol of one entry of an array, called as NumPy would index it."""
    text = f"{name}[{', '.join(map(str, index))}]" if index else name
    return sympy.Symbol(text, real=True, positive=positive or None)


def names_of(f: Callable[..., Any], n: int) -> list[str]:
    """The names of the first n parameters; x0, x1, ... where f has no signature of them."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except ValueError:
        parameters = []
    ordered = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in ordered]
    return names[:n] if len(names) >= n else [f"x{i}" for i in range(n)]
