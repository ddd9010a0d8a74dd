"""A factor of all gradients moves to where they begin, as the rate of gradient descent does."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinygrad_ce.programs.effects import look_again
from tinygrad_ce.programs.patterns import Rewriting, number
from tinygrad_ce.programs.program import Line, Program, Value, call
from tinygrad_ce.programs.simplify import replaced

__all__ = ["scaled_seed"]

# Functions that are linear in their first operand, and in each of two.
_OF_ONE = (
    np.negative, np.sum, np.transpose, np.reshape, np.broadcast_to, np.expand_dims, np.squeeze,
    np.swapaxes, operator.getitem,
)  # fmt: skip
_OF_EACH = (np.multiply, np.matmul)


def scaled_seed(program: Program) -> Program:
    """w - 0.1 * f(2 * e) -> w - f(0.2 * e), where f is linear and nothing else uses it.

    >>> e, w = (Value((2,), np.dtype(float)) for _ in range(2))
    >>> seed = call(np.multiply, e, 2.0, part="backward")
    >>> g = call(np.negative, seed.result, part="backward")
    >>> step = call(np.multiply, 0.1, g.result)
    >>> new = call(np.subtract, w, step.result)
    >>> after = scaled_seed(Program("f", (e, w), (seed, g, step, new), (new.result,)))
    >>> [line.function.__name__ for line in after.lines], after.lines[0].args[1]
    (['multiply', 'negative', 'subtract'], 0.2)
    """
    lines = program.lines
    if not any(line.part == "forward" and _factor(line) for line in lines[1:]):
        return program
    for i, seed in enumerate(lines):
        if seed.part != "backward" or _factor(seed) is None or not _is_float(seed.result):
            continue
        ends = _ends(seed.result, lines[i + 1 :], program.outputs)
        if ends:
            return _moved(program, seed, ends)
    return program


def _factor(line: Line) -> tuple[Value, float] | None:
    """(x, c), where the line computes x * c."""
    if line.function is not np.multiply or line.kwargs:
        return None
    for x, c in (line.args, line.args[::-1]):
        n = number(c)
        if n is not None and isinstance(x, Value) and type(c) in (float, int):
            return x, n
    return None


def _is_float(x: Value) -> bool:
    return x.dtype.char in "fd" and x.weak is None


def _ends(seed: Value, lines: tuple[Line, ...], outputs: tuple[Any, ...]) -> list[Line]:
    """The lines that multiply by the same number what is linear in the seed, if all uses do."""
    linear = {seed}
    ends: list[Line] = []
    for line in lines:
        if linear.isdisjoint(line.operands()) or line.function is look_again:
            continue
        end = _factor(line) if line.part == "forward" else None
        if end is not None:
            ends.append(line)
        elif _is_linear(line, linear) and _is_float(line.result):
            linear.add(line.result)
        else:
            return []
    factors = {c for _, c in filter(None, map(_factor, ends))}
    # A factor above 1 could overflow before, and a tiny one lose digits.
    fits = len(factors) == 1 and all(1e-6 <= abs(c) <= 1 for c in factors)
    return ends if fits and not any(x in linear for x in outputs if isinstance(x, Value)) else []


_PLACES = frozenset({"axis", "axes", "keepdims", "shape"})  # initial= would be added to


def _is_linear(line: Line, linear: set[Value]) -> bool:
    if line.several or line.effect or not line.kwargs.keys() <= _PLACES:
        return False
    if line.function is np.sum and len(line.args) > 2:
        return False
    inside = [isinstance(x, Value) and x in linear for x in line.args]
    if line.function in (np.add, np.subtract):
        return all(inside)
    if line.function in _OF_EACH:
        return sum(inside) == 1
    if line.function in _OF_ONE or line.function is np.divide:
        return inside[0] and not any(inside[1:])
    return False


def _moved(program: Program, seed: Line, ends: list[Line]) -> Program:
    (x, c), (_, rate) = _factor(seed), _factor(ends[0])  # type: ignore[misc]
    gone = {end.result for end in ends}

    def changed(line: Line) -> Rewriting | None:
        if seed.result in line.results:
            scaled = call(np.multiply, x, c * rate, part=seed.part)
            return [scaled], scaled.result
        inner = _factor(line) if not gone.isdisjoint(line.results) else None
        return ([], inner[0]) if inner else None

    return replaced(program, changed)
