"""Passes for class labels: one entry of each row is picked or changed, and no row of zeros with a
one at the label is made.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinygrad_ce.programs.patterns import Rewriting, number
from tinygrad_ce.programs.program import Line, Program, Value, call
from tinygrad_ce.programs.simplify import dead, replaced
from tinygrad_ce.programs.walk import Walk
from tinygrad_ce.rules.labels import ones_at
from tinygrad_ce.rules.support import weigh

__all__ = ["less_at", "less_at_labels", "pick_labels", "picked"]


def picked(x: Any, t: Any) -> Any:
    """The entry of each row that its label names.

    >>> picked(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0]))
    array([2., 3.])
    """
    return np.take_along_axis(x, t[..., None], -1)[..., 0]


def less_at(x: Any, t: Any, c: float) -> Any:
    """x with c subtracted where the labels are.

    >>> less_at(np.ones((2, 2)), np.array([1, 0]), 0.5)
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    x = x.copy()
    rows = x.reshape(-1, x.shape[-1])
    rows[np.arange(len(rows)), t.ravel()] -= c
    return x


def pick_labels(program: Program) -> Program:
    """sum(weigh(ones_at(t), x), -1) -> picked(x, t): the others weigh 0, whatever they are.

    >>> x, t = Value((4, 3), np.dtype(float)), Value((4,), np.dtype(int))
    >>> ones = call(ones_at, t, 3, np.dtype(float))
    >>> terms = call(weigh, ones.result, x)
    >>> total = call(np.sum, terms.result, axis=-1)
    >>> made = pick_labels(Program("f", (x, t), (ones, terms, total), (total.result,)))
    >>> [line.function.__name__ for line in made.lines]
    ['picked']
    """
    makers = program.makers()

    def changed(line: Line) -> Rewriting | None:
        if line.function is not np.sum or not isinstance(line.args[0], Value):
            return None
        terms = makers.get(line.args[0])
        if terms is None or terms.function is not weigh or not isinstance(terms.args[1], Value):
            return None
        labels, x = _labels(terms.args[0], makers), terms.args[1]
        if labels is None or (x.shape, x.dtype) != (terms.result.shape, terms.result.dtype):
            return None
        made = _made(line, picked, Value(labels.shape, x.dtype), x, labels)
        same = line.result.shape == labels.shape and _axis(line) in (-1, x.ndim - 1)
        return ([made], made.result) if same and made.result.dtype == line.result.dtype else None

    return dead(replaced(program, changed))


def _made(like: Line, function: Any, result: Value, *args: Any) -> Line:
    """A line for labels, which `call` has no sample of: 1 may be too large for one."""
    return Line((result,), function, args, {}, like.part)


def _axis(line: Line) -> Any:
    return line.args[1] if len(line.args) > 1 else line.kwargs.get("axis")


def _labels(x: Any, makers: dict[Value, Line]) -> Value | None:
    """The labels of rows with a one each."""
    line = makers.get(x) if isinstance(x, Value) else None
    if line is None or line.function is not ones_at or not isinstance(line.args[0], Value):
        return None
    t = line.args[0]
    return t if t.dtype.kind in "iu" and t.shape == x.shape[:-1] and t.ndim else None


def less_at_labels(program: Program) -> Program:
    """(y - ones_at(t)) * c -> less_at(y * c, t, c); (x / s) * c -> x * (c / s) for one s a row;
    picked(x - s, t) -> picked(x, t) - s.

    >>> y, t = Value((4, 3), np.dtype(float)), Value((4,), np.dtype(int))
    >>> ones = call(ones_at, t, 3, np.dtype(float))
    >>> e = call(np.subtract, y, ones.result)
    >>> g = call(np.multiply, e.result, 0.25)
    >>> made = less_at_labels(Program("f", (y, t), (ones, e, g), (g.result,)))
    >>> [line.function.__name__ for line in made.lines]
    ['multiply', 'less_at']
    """
    return _Less(program).done()


class _Less(Walk):
    """The walk that looks for labels."""

    def changed(self, line: Line) -> Rewriting | None:
        if line.function is picked:
            return self._picked(line)
        if line.function is np.subtract and len(line.args) == 2:
            return self._less(line)
        if line.function is np.multiply and len(line.args) == 2:
            for x, c in (line.args, line.args[::-1]):
                n = number(c)
                if isinstance(x, Value) and n is not None and x.dtype == line.result.dtype:
                    return self._scaled(line, x, n)
        return None

    def _less(self, line: Line) -> Rewriting | None:
        """y - ones_at(t) -> less_at(y, t, 1)"""
        y, ones = line.args
        labels = _labels(ones, self.makers)
        if labels is None or not isinstance(y, Value):
            return None
        if (y.shape, y.dtype) != (line.result.shape, line.result.dtype) or y.dtype.kind != "f":
            return None
        made = _made(line, less_at, Value(y.shape, y.dtype), y, labels, 1.0)
        return [made], made.result

    def _scaled(self, line: Line, x: Value, c: float) -> Rewriting | None:
        made = self.makers.get(x)
        if made is None or not self.is_alone(x) or x.dtype.kind != "f":
            return None
        if made.function is less_at:
            y, labels, d = made.args
            lines, scaled = self._product(line, y, c)
            result = _made(line, less_at, Value(x.shape, x.dtype), scaled, labels, d * c)
            return [*lines, result], result.result
        return self._product(line, x, c) if self._column(made) is not None else None

    def _product(self, line: Line, x: Value, c: float) -> tuple[list[Line], Value]:
        """x * c, or y * (c / s) where x is y / s and s one number a row."""
        found = self._column(self.makers.get(x))
        if found is None or not self.is_alone(x):
            made = call(np.multiply, x, c, part=line.part)
            return [made], made.result
        y, s = found
        factor = call(np.divide, c, s, part=line.part)
        made = call(np.multiply, y, factor.result, part=line.part)
        return [factor, made], made.result

    def _column(self, line: Line | None) -> tuple[Value, Value] | None:
        """(y, s), where the line is y / s and s at least 1, so that 1 / s is as good."""
        if line is None or line.function is not np.divide:
            return None
        y, s = line.args
        both = isinstance(y, Value) and isinstance(s, Value)
        if not both or y.shape != line.result.shape or 4 * s.size > y.size:
            return None
        return (y, s) if self._is_at_least_one(s) else None

    def _is_at_least_one(self, s: Value) -> bool:
        """Whether s = sum(exp(z - max(z))): the largest term is 1."""
        total = self.makers.get(s)
        e = self.made_by(np.exp, total and total.args[0])
        shifted = self.made_by(np.subtract, e and e.args[0])
        top = self.made_by(np.max, shifted and shifted.args[1])
        if total is None or total.function is not np.sum or top is None or shifted is None:
            return False
        same = total.args[1:] == top.args[1:] and dict(total.kwargs) == dict(top.kwargs)
        return same and top.args[0] is shifted.args[0]

    def _picked(self, line: Line) -> Rewriting | None:
        """picked(x - s, t) -> picked(x, t) - s, for s one number a row."""
        x, labels = line.args
        made = self.makers.get(x)
        if made is None or made.function not in (np.add, np.subtract) or len(made.args) != 2:
            return None
        whole, column = made.args
        if not (isinstance(whole, Value) and isinstance(column, Value)):
            return None
        if whole.shape != x.shape or column.shape != (*x.shape[:-1], 1) or x.shape[-1] == 1:
            return None
        first = _made(line, picked, Value(labels.shape, x.dtype), whole, labels)
        rows = (*[slice(None)] * (x.ndim - 1), 0)
        second = call(operator.getitem, column, rows, part=line.part)
        if whole.dtype != x.dtype or column.dtype != x.dtype:
            return None
        inner = self._picked(first)
        lines = [first] if inner is None else inner[0]
        args = (first.result if inner is None else inner[1], second.result)
        result = call(made.function, *args, part=line.part)
        return [*lines, second, result], result.result
