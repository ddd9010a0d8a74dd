"""Passes that bring a program closer to the machine: what is nice to read becomes what is fast.

Functions of ours become the NumPy calls that they are made of. Some take a shorter way that is
right as long as no nan comes of it (`0 * inf` where the exact function knows a limit); where a nan
does come, `look_again` leaves the program, and the function is run without it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import plain
from tinygrad_ce.programs.batch import batched
from tinygrad_ce.programs.effects import draw, look_again
from tinygrad_ce.programs.emit import foreign
from tinygrad_ce.programs.factor import factored
from tinygrad_ce.programs.inline import opened
from tinygrad_ce.programs.labels import less_at_labels, pick_labels, picked
from tinygrad_ce.programs.patterns import Rewriting, number
from tinygrad_ce.programs.program import Line, Program, Value, call
from tinygrad_ce.programs.quotients import fewer_products
from tinygrad_ce.programs.scale import scaled_seed
from tinygrad_ce.programs.simplify import common, dead, identities, replaced
from tinygrad_ce.programs.sums import products_of_rows
from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.softmax import log_softmax, softmax
from tinygrad_ce.rules.special import xlog1py, xlogy
from tinygrad_ce.rules.support import masked, ratio, weigh

__all__ = ["lower"]


def lower(program: Program) -> Program:
    """The passes of this file, and those over labels, quotients and steps, one after the other."""
    for each in (
        pick_labels, short_ways, inline, cheaper, identities, common, dead, fewer_looks,
        less_at_labels, fewer_products, scaled_seed, factored, dead, batched, products_of_rows,
    ):  # fmt: skip
        program = each(program)
    return program


# Short ways: function(line) -> the lines, the result, and what has to be looked at for nan.
_Way = Callable[[Line], tuple[list[Line], Value, Value]]


def _softmax(line: Line) -> tuple[list[Line], Value, Value]:
    _, axis, (lines, shifted) = _below_max(line)
    e = _add(lines, line, np.exp, shifted)
    total = _add(lines, line, np.sum, e, axis=axis, keepdims=True)
    return lines, _add(lines, line, np.divide, e, total), total


def _below_max(line: Line) -> tuple[Value, Any, tuple[list[Line], Value]]:
    z = line.args[0]
    axis = line.args[1] if len(line.args) > 1 else line.kwargs.get("axis", -1)
    lines: list[Line] = []
    top = _add(lines, line, np.max, z, axis=axis, keepdims=True)
    return z, axis, (lines, _add(lines, line, np.subtract, z, top))


def _add(lines: list[Line], like: Line, function: Function, *args: Any, **kwargs: Any) -> Value:
    lines.append(call(function, *args, part=like.part, **kwargs))
    return lines[-1].result


def _log_softmax(line: Line) -> tuple[list[Line], Value, Value]:
    _, axis, (lines, shifted) = _below_max(line)
    e = _add(lines, line, np.exp, shifted)
    total = _add(lines, line, np.sum, e, axis=axis, keepdims=True)
    result = _add(lines, line, np.subtract, shifted, _add(lines, line, np.log, total))
    return lines, result, total  # a nan of a row is in its sum


def _pair(function: Function, line: Line) -> tuple[list[Line], Value, Value]:
    lines: list[Line] = []
    result = _add(lines, line, function, *line.args)
    return lines, result, result


def _times_log(function: Function, line: Line) -> tuple[list[Line], Value, Value]:
    lines: list[Line] = []
    x, y = line.args
    result = _add(lines, line, np.multiply, x, _add(lines, line, function, y))
    return lines, result, result


_SHORT: dict[Function, _Way] = {
    softmax: _softmax,
    log_softmax: _log_softmax,
    ratio: partial(_pair, np.divide),
    weigh: partial(_pair, np.multiply),
    xlogy: partial(_times_log, np.log),
    xlog1py: partial(_times_log, np.log1p),
}


def short_ways(program: Program) -> Program:
    """Take short ways, and look again where a nan could be theirs.

    ratio(x, y), which is 0 where x is 0, becomes x / y: 0 / 0 is nan, and is seen.
    """
    risky: list[Value] = []

    def shorter(line: Line) -> Rewriting | None:
        way = _SHORT.get(line.function)
        if way is None or line.results[0].dtype.kind != "f":
            return None
        numbers = [x for x in line.args[:2] if isinstance(x, np.ndarray | np.generic | float)]
        if not all(np.isfinite(x).all() for x in numbers):  # what is never a number takes no way
            return None
        lines, result, sign = way(line)
        if (result.shape, result.dtype) != (line.result.shape, line.result.dtype):
            return None
        risky.append(sign)
        return lines, result

    return _watched(replaced(program, shorter), risky)


# Functions whose result has a nan wherever an operand has one.
_TRANSPARENT = frozenset(
    {
        np.add, np.subtract, np.multiply, np.divide, np.negative, np.exp, np.log, np.log1p,
        np.expm1, np.tanh, np.sqrt, np.square, np.sin, np.cos, np.absolute, np.matmul, np.maximum,
        np.minimum, np.sum, np.mean, np.max, np.min, np.transpose, np.reshape, np.broadcast_to,
        np.expand_dims, np.squeeze, np.swapaxes, np.copy,
    }
)  # fmt: skip


def _passes_on(line: Line, seen: set[Value]) -> bool:
    """Whether a nan in an operand is in the result, which is looked at."""
    return line.function in _TRANSPARENT and line.results[0] in seen and not _hides(line)


def _watched(program: Program, risky: list[Value]) -> Program:
    """The program that looks again where a risky nan is seen: at a single number it flows to, or
    where it arises."""
    if not risky:
        return program
    numbers = [x for x in program.outputs if isinstance(x, Value) and x.size == 1 and not x.weak]
    ends = [x for x in dict.fromkeys(numbers) if x.dtype.kind in "fc"]
    seen, reached = set(ends), set(risky)
    asking: set[Line] = set()  # what would come before the end, and take the nan for one of f's own
    for line in program.lines:
        if not reached.isdisjoint(line.operands()):
            reached.update(line.results)
            if line.effect and line.function is not look_again:
                asking.add(line)
    for line in reversed(program.lines):
        if line in asking:
            seen.clear()
        elif line.function is look_again or _passes_on(line, seen):
            seen.update(line.operands())
    alone = {value for value in risky if value not in seen}
    lines: list[Line] = []
    for line in program.lines:
        lines.append(line)
        lines += [_look(value) for value in line.results if value in alone]
    return program.rewritten([*lines, *map(_look, ends)], {})


def fewer_looks(program: Program) -> Program:
    """Look only where a nan ends: what flows into something looked at later is seen there.

    >>> x = Value((2,), np.dtype(float))
    >>> a = call(np.exp, x)
    >>> b = call(np.sum, a.result)
    >>> lines = a, _look(a.result), b, _look(b.result)
    >>> len(fewer_looks(Program("f", (x,), lines, (b.result,))).lines)
    3
    """
    seen: set[Value] = set()
    kept = []
    for line in reversed(program.lines):
        if line.function is look_again:
            (value,) = line.args
            if value in seen:
                continue
            seen.add(value)
        elif line.effect:
            seen.clear()  # a check would come first, and take the nan for one of f's own
        elif line.function in _TRANSPARENT and line.results[0] in seen and not _hides(line):
            seen.update(line.operands())
        kept.append(line)
    return program.rewritten(kept[::-1], {})


def _hides(line: Line) -> bool:
    """Whether the result of a transparent function may be without an operand's nan."""
    result = line.results[0]
    return "where" in line.kwargs or not result.size or result.dtype.kind not in "fc"


def _look(value: Value) -> Line:
    return Line((), look_again, (value,), {}, "forward", True)


def inline(program: Program) -> Program:
    """Write functions of ours as the NumPy calls that they make; those that ask stay whole."""
    whole: set[Function] = {look_again, draw, masked, picked}

    def inside(line: Line) -> Rewriting | None:
        if line.function not in ours or line.effect or line.several:
            return None
        found = _inside(line)
        if found is None:
            whole.add(line.function)
        return found

    while ours := set(foreign(program)) - whole:
        before, program = program, replaced(program, inside)
        if program.lines == before.lines:
            break
    return program


def _inside(line: Line) -> Rewriting | None:
    """The lines that a function of ours writes when it is traced."""
    try:
        lines, found = opened(line, plain(line.function))
    except Exception:  # the sample may not be what the function takes
        return None
    fits = isinstance(found, Value) and found.dtype == line.result.dtype
    return (lines, found) if fits else None


def cheaper(program: Program) -> Program:
    """Calls that compute the same for less: x ** 2 -> x * x, mean(x * x) -> vdot / n."""

    def changed(line: Line) -> Rewriting | None:
        if line.function is np.square and line.result.dtype.kind == "f" and not line.kwargs:
            return _pair(np.multiply, line.but(args=line.args * 2))[:2]
        doubles = line.function is np.add and line.args[0] is line.args[1] and not line.kwargs
        if doubles and line.result.dtype.kind == "f" and line.result.weak is None:
            return _pair(np.multiply, line.but(args=(line.args[0], 2.0)))[:2]
        if line.function is np.power and number(line.args[1]) == 2 and not line.kwargs:
            x, result = line.args[0], line.result
            if isinstance(x, Value) and (x.dtype, x.weak) == (result.dtype, result.weak):
                return _pair(np.multiply, line.but(args=(x, x)))[:2]
        plain = line.kwargs.keys() <= {"axis", "keepdims"} and len(line.args) < 3
        if line.function is np.mean and plain:
            x, result = line.args[0], line.result
            if isinstance(x, Value) and x.size and x.dtype.char in "fd":
                total = call(np.sum, *line.args, part=line.part, **line.kwargs)
                count = x.dtype.type(x.size // result.size)
                mean = call(np.divide, total.result, count, part=line.part)
                return [total, mean], mean.result
        return None

    return replaced(program, changed)
