"""Common factors of sums, taken out: `g * h + (g * u) * d -> g * (h + u * d)`.

What a gradient is multiplied by on its way back becomes one array that does not depend on it, so
that the arrays of all steps can be computed together. A sum may overflow where its products with a
small number would not: what comes of it is looked at, and where it is not finite, the function is
run without this.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_ce.programs.effects import look_again
from tinygrad_ce.programs.patterns import Makers
from tinygrad_ce.programs.program import Line, Program, Value, call

__all__ = ["factored", "watched"]


def factored(program: Program) -> Program:
    """Take out what all terms of an elementwise sum are multiplied by; shapes are equal.

    >>> g, h, u = (Value((2,), np.dtype(float)) for _ in range(3))
    >>> a, b = call(np.multiply, g, h, part="backward"), call(np.multiply, g, u, part="backward")
    >>> total = call(np.add, a.result, b.result, part="backward")
    >>> after = factored(Program("f", (g, h, u), (a, b, total), (total.result,)))
    >>> [line.function.__name__ for line in after.lines[2:]]
    ['add', 'multiply', 'look_again']
    """
    uses = program.uses()
    makers = Makers()
    lines: list[Line] = []
    changed: list[Value] = []
    for line in program.lines:
        made = _factored(line, makers, uses) if line.part == "backward" else None
        if made is None:
            made = [line]
        else:
            changed.append(line.result)
        for new in made:
            lines.append(new)
            makers.update((result, new) for result in new.results)
            for value in new.results:
                uses.setdefault(value, 1)
    return watched(program.rewritten(lines, {}), changed) if changed else program


# Functions of which a result is not finite wherever an operand is not.
_PASSED_ON = frozenset(
    {
        np.add, np.subtract, np.multiply, np.negative, np.matmul, np.sum, np.transpose, np.reshape,
        np.broadcast_to, np.expand_dims, np.squeeze, np.swapaxes,
    }
)  # fmt: skip


def watched(program: Program, changed: list[Value]) -> Program:
    """The program that looks again where what was changed is not finite."""
    reached = set(changed)
    asked: set[Value] = set()
    for line in program.lines:
        if line.function is look_again and line.args[0] in reached:
            asked.add(line.args[0])
        elif line.function in _PASSED_ON and not reached.isdisjoint(line.operands()):
            reached.update(line.results)
    seen = set(asked)
    for line in reversed(program.lines):
        fits = line.function in _PASSED_ON and line.results[0].size and "where" not in line.kwargs
        if fits and line.results[0] in seen:
            seen.update(line.operands())
    alone = set(changed) - seen
    lines: list[Line] = []
    for line in program.lines:
        if line.function is look_again and line.args[0] in asked:
            line = Line((), look_again, (line.args[0], True), {}, line.part, True)
        lines.append(line)
        for value in line.results:
            if value in alone:
                lines.append(Line((), look_again, (value, True), {}, line.part, True))
    return program.rewritten(lines, {})


def _factored(line: Line, makers: Makers, uses: dict[Value, int]) -> list[Line] | None:
    if line.function not in (np.add, np.subtract) or line.kwargs or not _is_plain(line.result):
        return None
    a, b = (_factors(x, line.result, makers, uses) for x in line.args)
    shared = _in_both(a, b)
    a, b = _without(a, shared), _without(b, shared)
    if not shared or not a or not b:
        return None
    lines: list[Line] = []
    terms = [_product(x, line.part, lines) for x in (a, b)]
    lines.append(call(line.function, *terms, part=line.part))
    *front, last = [*shared, lines[-1].result]
    rest = _product(front, line.part, lines)
    final = call(np.multiply, rest, last, part=line.part)
    if (final.result.shape, final.result.dtype) != (line.result.shape, line.result.dtype):
        return None
    return [*lines, Line(line.results, np.multiply, final.args, {}, line.part)]


def _is_plain(value: Value) -> bool:
    return value.dtype.char in "fd" and value.weak is None


def _factors(x: Any, like: Value, makers: Makers, uses: dict[Value, int]) -> list[Any]:
    """What x is a product of; only products that have no other use are taken apart."""
    line = makers.get(x) if isinstance(x, Value) else None
    if line is None or line.function is not np.multiply or uses[x] != 1 or line.kwargs:
        return [x]
    if (x.shape, x.dtype) != (like.shape, like.dtype):
        return [x]
    return [factor for y in line.args for factor in _factors(y, like, makers, uses)]


def _in_both(a: list[Any], b: list[Any]) -> list[Value]:
    """The factors that both products have, as often as both have them: of x x u and x v, one x."""
    left, shared = list(b), []
    for x in a:
        if isinstance(x, Value) and any(x is y for y in left):
            left = _without(left, [x])
            shared.append(x)
    return shared


def _without(factors: Iterable[Any], taken: Iterable[Value]) -> list[Any]:
    left = list(factors)
    for x in taken:
        del left[next(i for i, y in enumerate(left) if y is x)]
    return left


def _product(factors: list[Any], part: str, lines: list[Line]) -> Any:
    product, *rest = factors
    for x in rest:
        lines.append(call(np.multiply, product, x, part=part))
        product = lines[-1].result
    return product
