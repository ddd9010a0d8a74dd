"""A pass that computes with quotients and products that are known already.

With q = x / z known, x * y / z is q * y: a product for a division. It is the same up to rounding,
and for zeros, infinities and nan as well. Where q overflows, x * y / z need not: what comes of it
is looked at, and where it is not finite, the function is run without this. Where q underflows,
digits are lost that x * y / z may have: less than the smallest number times y.
"""

from __future__ import annotations

import numpy as np

from tinygrad_ce.programs.factor import watched
from tinygrad_ce.programs.patterns import Rewriting, number
from tinygrad_ce.programs.program import Line, Program, Value, call
from tinygrad_ce.programs.walk import Walk

__all__ = ["fewer_products"]


def fewer_products(program: Program) -> Program:
    """x * y / z -> (x / z) * y and x / z * y -> x * (y / z) with what is known in brackets;
    x - y * c - y * c -> x - y * (2 * c); sum(x * y) -> vdot(x, y).

    >>> x, y, z = (Value((3,), np.dtype(float)) for _ in range(3))
    >>> known = call(np.divide, x, z)
    >>> product = call(np.multiply, x, y)
    >>> line = call(np.divide, product.result, z)
    >>> before = Program("f", (x, y, z), (known, product, line), (known.result, line.result))
    >>> [line.function.__name__ for line in fewer_products(before).lines]
    ['divide', 'multiply', 'look_again']
    """
    walk = _Quotients(program)
    after = walk.done()
    return watched(after, walk.risky) if walk.risky else after


class _Quotients(Walk):
    """The walk, which remembers what was divided by what."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.known: dict[tuple[Value, Value], Value] = {}
        self.risky: list[Value] = []  # what may have overflowed on a way that is not f's

    def seen(self, line: Line) -> None:
        if line.function is np.divide and _is_entrywise(line):
            self.known.setdefault(line.args, line.result)

    def changed(self, line: Line) -> Rewriting | None:
        f = line.function
        if f is np.sum:
            return self._sum(line)
        found = self._other(line) if len(line.results) == 1 and _is_entrywise(line) else None
        if found is not None:
            self.risky.append(found[1])
        return found

    def _other(self, line: Line) -> tuple[list[Line], Value] | None:
        f = line.function
        if f is np.divide:
            return self._quotient(line)
        if f is np.multiply:
            return self._product(line, *line.args) or self._product(line, *line.args[::-1])
        if f in (np.add, np.subtract):
            return self._twice(line)
        return None

    def _sum(self, line: Line) -> Rewriting | None:
        """sum(x * y) -> vdot(x, y)"""
        product = self.made_by(np.multiply, line.args[0])
        if product is None or len(line.args) > 1 or line.kwargs or not self.is_alone(line.args[0]):
            return None
        if not _is_entrywise(product) or line.result.dtype.char not in "fd":
            return None
        total = Value((), line.result.dtype)
        return [Line((total,), np.vdot, product.args, {}, line.part)], total

    def _quotient(self, line: Line) -> tuple[list[Line], Value] | None:
        """x * y / z -> (x / z) * y"""
        above, z = line.args
        product = self.made_by(np.multiply, above)
        if product is None or not _is_entrywise(product):
            return None
        for x, y in (product.args, product.args[::-1]):
            if (x, z) in self.known:
                made = call(np.multiply, self.known[x, z], y, part=line.part)
                return [made], made.result
        return None

    def _product(self, line: Line, quotient: Value, y: Value) -> tuple[list[Line], Value] | None:
        """x / z * y -> x * (y / z), and x / (z * c) * y -> x * (y / z) * (1 / c)"""
        made = self.made_by(np.divide, quotient)
        if made is None or not _is_entrywise(made) or not self.is_alone(quotient):
            return None
        x, below = made.args
        z, c = self._scaled(below)
        if (y, z) not in self.known:
            return None
        lines = [call(np.multiply, x, self.known[y, z], part=line.part)]
        if c != 1:
            lines.append(call(np.multiply, lines[0].result, 1 / c, part=line.part))
        return lines, lines[-1].result

    def _twice(self, line: Line) -> tuple[list[Line], Value] | None:
        """x - y * c - y * c -> x - y * (2 * c)"""
        inner, term = line.args
        made = self.made_by(line.function, inner)
        if made is None or not _is_entrywise(made) or made.args[1] is not term:
            return None
        y, c = self._scaled(term)
        if c == 1 or not self.is_alone(inner):
            return None
        lines = [] if 2 * c == 1 else [call(np.multiply, y, 2 * c, part=line.part)]
        lines.append(
            call(line.function, made.args[0], lines[0].result if lines else y, part=line.part)
        )
        return lines, lines[-1].result

    def _scaled(self, x: Value) -> tuple[Value, float]:
        """(y, c), where x is y * c, and c a number of moderate size."""
        line = self.made_by(np.multiply, x)
        for y, factor in (line.args, line.args[::-1]) if line is not None else ():
            c = number(factor)
            is_like = isinstance(y, Value) and (y.shape, y.dtype) == (x.shape, x.dtype)
            if is_like and c is not None and 1e-3 < abs(c) < 1e3:
                return y, c
        return x, 1


def _is_entrywise(line: Line) -> bool:
    """Whether two arrays of real numbers of one shape and dtype are combined."""
    kind = (line.result.shape, line.result.dtype)
    return (
        len(line.args) == 2
        and not line.kwargs
        and line.result.dtype.kind == "f"
        and line.result.ndim > 0
        and all(isinstance(x, Value) and (x.shape, x.dtype) == kind for x in line.args)
    )
