"""Algebra of real numbers, as rules: true on paper, though not to the last bit in a machine.

Fractions are reduced, sums are multiplied out where that makes them shorter, constants come out of
sums. A denominator counts as not 0, and a term of weight 0 as any other. So `derive` reads as a
derivation by hand; `compile` leaves these rules alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_ce.programs.monomials import (
    Monomial,
    Monomials,
    collected,
    expanded,
    factors,
    folded,
    terms,
    weight,
)
from tinygrad_ce.programs.patterns import Makers, Rewriting, Rule, parsed
from tinygrad_ce.programs.program import Line, Value, call
from tinygrad_ce.rules.softmax import softmax
from tinygrad_ce.rules.special import sigmoid
from tinygrad_ce.rules.support import ratio, weigh
from tinygrad_ce.targets import check_distribution

__all__ = ["ALGEBRA"]

_PATTERNS = """
ratio(x, y) -> x / y
weigh(x, y) -> x * y
0 - x -> -x
sigmoid(-x) -> 1 - sigmoid(x)
-((x - y) / z) -> (y - x) / z
-((x - y) * z) -> (y - x) * z
x / y / y -> x / y ** 2
x * x -> x ** 2
np.exp(-np.log(x)) -> 1 / x
np.exp(np.log(x)) -> x
np.log(np.exp(x)) -> x
np.sqrt(x) ** 2 -> x
"""
_PRODUCTS = (np.multiply, np.divide)
_SUMS = (np.add, np.subtract)


def _nothing(line: Line, makers: Makers) -> Rewriting | None:
    """x * 0 -> 0"""
    a, *rest = line.args
    if line.kwargs or line.result.dtype.kind != "f":
        return None
    if line.function is np.where:
        zero = len(rest) == 2 and _is_zero(rest[0]) and _is_zero(rest[1])
    elif line.function is np.divide:
        zero = _is_zero(a)
    elif line.function is np.subtract:
        zero = a is rest[0]
    else:
        zero = _is_zero(a) or _is_zero(rest[0])
    return ([], np.zeros(line.result.shape, line.result.dtype)[()]) if zero else None


def _is_zero(x: Any) -> bool:
    return not isinstance(x, Value) and bool(np.all(np.equal(x, 0)))


def _no_weight(line: Line, makers: Makers) -> Rewriting | None:
    """np.where(x == 0, 0, x * y) -> x * y"""
    condition, zero, y = line.args
    asked = makers.get(condition) if isinstance(condition, Value) else None
    if asked is None or asked.function is not np.equal or not _is_zero(zero):
        return None
    if not _is_zero(asked.args[1]):
        return None
    m = factors(y, makers, through=False)
    return ([], y) if m.powers.get(asked.args[0], 0) > 0 and y.shape == line.result.shape else None


def _reduced(line: Line, makers: Makers) -> Rewriting | None:
    """x / y * y -> x"""
    full = factors(line, makers, through=True)
    if not full.cancels:
        return None
    return _shorter(line, makers, [folded(full, makers)])


def _one_fraction(line: Line, makers: Makers) -> Rewriting | None:
    """1 / x * y -> y / x"""
    return _shorter(line, makers, [factors(line, makers, through=False)])


def _common_number(line: Line, makers: Makers) -> Rewriting | None:
    """x * c - y * c -> (x - y) * c"""
    found = terms(line, makers)
    c = abs(found[0].c)
    if c == 1 or any(abs(m.c) != c for m in found):
        return None
    for m in found:
        m.c = 1.0 if m.c > 0 else -1.0
    inner = _written(line, makers, found)
    if inner is None or not isinstance(inner[1], Value):
        return None
    scaled = call(np.multiply, inner[1], c, part=line.part)
    return [*inner[0], scaled], scaled.result


def _negative_array(line: Line, makers: Makers) -> Rewriting | None:
    """x + (-c) -> x - c, for arrays"""
    for x, c in (line.args, line.args[::-1]):
        array = isinstance(c, np.ndarray) and c.ndim and isinstance(x, Value)
        if array and (c <= 0).all() and (c < 0).any():
            other = call(np.subtract, x, 0.0 - c, part=line.part)
            return [other], other.result
    return None


def _whole_number(line: Line, makers: Makers) -> Rewriting | None:
    """2.0 -> 2"""
    args = [int(x) if type(x) is float and x % 1 == 0 else x for x in line.args]
    if line.kwargs or [type(x) for x in args] == [type(x) for x in line.args]:
        return None
    other = call(line.function, *args, part=line.part)
    same = (other.result.dtype, other.result.weak) == (line.result.dtype, line.result.weak)
    return ([other], other.result) if same else None


def _by_name(line: Line, makers: Makers) -> Rewriting | None:
    """e / s -> y, where y = e / s was computed before"""
    return _shorter(line, makers, [folded(factors(line, makers, through=True), makers)])


def _gathered(line: Line, makers: Makers) -> Rewriting | None:
    """x + y - x -> y"""
    return _shorter(line, makers, collected(terms(line, makers)))


def _multiplied_out(line: Line, makers: Makers) -> Rewriting | None:
    """(x + y) * z -> x * z + y * z"""
    found = collected(expanded(line, makers))
    named = collected(folded(m, makers) for m in found)
    return _shorter(line, makers, found) or _shorter(line, makers, named)


def _shorter(line: Line, makers: Makers, monomials: Monomials) -> Rewriting | None:
    """The sum of monomials in the line's place, if it is the shorter."""
    if any(line.result in m.powers for m in monomials):  # it was too large to be looked into
        return None
    if sum(m.weight(makers) for m in monomials) >= weight(line, makers):
        return None
    return _written(line, makers, monomials)


def _written(
    line: Line, makers: Makers, monomials: Monomials, before: Iterable[Line] = ()
) -> Rewriting | None:
    """The lines of a sum of monomials that takes a line's place."""
    lines = list(before)
    wanted = line.result

    def made(function: Any, *args: Any) -> Any:
        lines.append(call(function, *args, part=line.part))
        return lines[-1].result

    found: Any = None
    for m in sorted(monomials, key=lambda m: m.c < 0):
        term = m.written(made)
        if found is None:
            found = term if m.c > 0 else made(np.negative, term) if m.powers else -term
        else:
            found = made(np.add if m.c > 0 else np.subtract, found, term)
    if found is None:
        found = 0.0
    if not isinstance(found, Value) and np.ndim(found) == 0:
        return [], np.full(wanted.shape, found, wanted.dtype)[()]
    if isinstance(found, Value) and found.shape != wanted.shape:
        found = made(np.broadcast_to, found, wanted.shape)
    kind = found.shape, found.dtype
    return (lines, found) if kind == (wanted.shape, wanted.dtype) else None


class _Summing:
    """A line `np.sum(x, axis, keepdims)`."""

    def __init__(self, line: Line, makers: Makers) -> None:
        self.line, self.makers = line, makers
        options = dict(zip(("axis",), line.args[1:])) | dict(line.kwargs)
        self.x = line.args[0]
        self.keepdims = bool(options.pop("keepdims", False))
        axis = options.pop("axis", None)
        self.known = isinstance(self.x, Value) and not options and len(line.args) < 3
        if self.known:
            n = self.x.ndim
            every = range(n) if axis is None else axis if isinstance(axis, tuple) else (axis,)
            self.axes = tuple(a % n for a in every if n)  # a number may be summed over axis 0
        self.lines: list[Line] = []
        self.inside = 0  # the weight of what new sums run over

    def total(self, m: Monomial, known: bool = True) -> Monomial | None:
        """The sum of a monomial, with what is constant along the axes before it.

        A sum that is `known` to be 1 is left out.
        """
        powers: dict[Any, int] = {}
        inner: dict[Any, int] = {}
        for x, n in m.powers.items():
            if self.varies(x):
                inner[x] = n
            else:
                x = self._without_axes(x)
                powers[x] = powers.get(x, 0) + n
        c = m.c
        copies = {a for a in self.axes if not any(self._along(x, a) for x in inner)}
        c *= float(np.prod([self.x.shape[a] for a in copies]))
        if copies and inner:
            return None
        if inner and not (known and self.is_one(inner)):
            x = self._sum_of(inner)
            powers[x] = powers.get(x, 0) + 1
        return Monomial(c, {x: n for x, n in powers.items() if n})

    def _along(self, x: Any, a: int) -> bool:
        """Whether x has more than one entry along the axis."""
        k = a - self.x.ndim + x.ndim
        return bool(k >= 0 and x.shape[k] != 1)

    def varies(self, x: Any) -> bool:
        return any(self._along(x, a) for a in self.axes)

    def _without_axes(self, x: Any) -> Any:
        """What does not vary along the axes, in the shape of the sum."""
        drop = tuple(a - self.x.ndim + x.ndim for a in self.axes if a - self.x.ndim + x.ndim >= 0)
        if self.keepdims or not drop or not x.ndim:
            return x
        constant = x if isinstance(x, Value) else x.x
        self.lines.append(call(np.squeeze, constant, drop, part=self.line.part))
        return self.lines[-1].result

    def is_one(self, inner: Mapping[Any, int]) -> bool:
        """Whether it is the sum of a distribution."""
        ((x, n), *more) = inner.items()
        if more or n != 1 or len(self.axes) != 1 or not isinstance(x, Value):
            return False
        made, axis = self.makers.get(x), self.axes[0] - self.x.ndim + x.ndim
        if made is not None and made.function is softmax:
            along = (made.args[1:] or (made.kwargs.get("axis", -1),))[0]
            return bool(along % x.ndim == axis)
        return (check_distribution, x, axis) in self.makers.facts  # given, or checked

    def _sum_of(self, inner: dict[Any, int]) -> Any:
        """The sum of a product: one that was computed before, or a new line."""
        for line in self.makers.values():
            if line.function is np.sum and isinstance(line.args[0], Value):
                other = _Summing(line, self.makers)
                if not other.known or (other.axes, other.keepdims) != (self.axes, self.keepdims):
                    continue
                there = factors(other.x, self.makers, through=True)
                if there.c == 1 and there.powers == inner and other.x.shape == self.x.shape:
                    return line.result

        def made(function: Any, *args: Any) -> Any:
            self.lines.append(call(function, *args, part=self.line.part))
            return self.lines[-1].result

        product = folded(Monomial(1.0, inner), self.makers)
        self.inside += product.weight(self.makers)
        x = product.written(made)
        options: dict[str, Any] = {"keepdims": True} if self.keepdims else {}
        if len(self.axes) < self.x.ndim:
            options["axis"] = self.axes[0] if len(self.axes) == 1 else self.axes
        line = call(np.sum, x, part=self.line.part, **options)
        self.lines.append(line)
        return line.result


def _constants_out(line: Line, makers: Makers) -> Rewriting | None:
    """np.sum(x * c) -> np.sum(x) * c, where c is constant along the axis"""
    summing = _Summing(line, makers)
    if not summing.known:
        return None
    whole = factors(summing.x, makers, through=False)
    if whole.c in (1, -1) and all(map(summing.varies, whole.powers)):
        return None
    found = summing.total(whole, known=False)
    return None if found is None else _written(line, makers, [found], summing.lines)


def _term_by_term(line: Line, makers: Makers) -> Rewriting | None:
    """np.sum(x + y) -> np.sum(x) + np.sum(y), where that is shorter"""
    summing = _Summing(line, makers)
    if not summing.known:
        return None
    totals = [summing.total(m) for m in collected(expanded(summing.x, makers))]
    if None in totals:
        return None
    monomials = collected(folded(m, makers) for m in totals if m is not None)
    after = summing.inside + sum(m.weight(makers) for m in monomials)
    if after >= 1 + weight(summing.x, makers):
        return None
    return _written(line, makers, monomials, summing.lines)


def _sum_of_softmax(line: Line, makers: Makers) -> Rewriting | None:
    """sum of softmax = 1"""
    summing = _Summing(line, makers)
    if not summing.known or not summing.is_one({summing.x: 1}):
        return None
    return [], np.ones(line.result.shape, line.result.dtype)[()]


def _turned_product(line: Line, makers: Makers) -> Rewriting | None:
    """(x @ y).T -> y.T @ x.T"""
    product = makers.get(line.args[0]) if isinstance(line.args[0], Value) else None
    if product is None or product.function is not np.matmul or len(line.args) > 1:
        return None
    if line.kwargs or any(getattr(x, "ndim", 0) != 2 for x in product.args):
        return None
    x, y = (call(np.transpose, x, part=line.part) for x in product.args)
    found = call(np.matmul, y.result, x.result, part=line.part)
    return [x, y, found], found.result


def _product_of_matrices(line: Line, makers: Makers) -> Rewriting | None:
    """np.sum(g[:, None] * x, axis=0) -> x.T @ g"""
    summing = _Summing(line, makers)
    made = makers.get(summing.x) if isinstance(summing.x, Value) else None
    if made is None or made.function is not np.multiply or not summing.known:
        return None
    if summing.axes != (0,) or summing.keepdims or summing.x.ndim != 2:
        return None
    for g, x in (made.args, made.args[::-1]):
        column = makers.get(g) if isinstance(g, Value) else None
        if column is None or getattr(x, "shape", None) != summing.x.shape:
            continue
        if column.function not in (np.expand_dims, np.reshape) or g.shape != (x.shape[0], 1):
            continue
        if getattr(column.args[0], "shape", None) != x.shape[:1]:
            continue
        turned = call(np.transpose, x, part=line.part)
        product = call(np.matmul, turned.result, column.args[0], part=line.part)
        return [turned, product], product.result
    return None


ALGEBRA: tuple[Rule, ...] = (
    *parsed(_PATTERNS, {"ratio": ratio, "weigh": weigh, "sigmoid": sigmoid}),
    Rule("2.0 -> 2", (*_PRODUCTS, *_SUMS), _whole_number),
    Rule("x * 0 -> 0", (*_PRODUCTS, np.subtract, np.where), _nothing),
    Rule("np.where(x == 0, 0, x * y) -> x * y", (np.where,), _no_weight),
    Rule("x / y * y -> x", _PRODUCTS, _reduced),
    Rule("1 / x * y -> y / x", _PRODUCTS, _one_fraction),
    Rule("what was computed before has a name", _PRODUCTS, _by_name),
    Rule("x + y - x -> y", _SUMS, _gathered),
    Rule("sum of softmax = 1", (np.sum,), _sum_of_softmax),
    Rule("x * c - y * c -> (x - y) * c", _SUMS, _common_number),
    Rule("x + (-c) -> x - c", (np.add,), _negative_array),
    Rule("np.sum(x * c) -> np.sum(x) * c", (np.sum,), _constants_out),
    Rule("np.sum(x + y) -> np.sum(x) + np.sum(y)", (np.sum,), _term_by_term),
    Rule("(x + y) * z -> x * z + y * z", (*_PRODUCTS, *_SUMS), _multiplied_out),
    Rule("(x @ y).T -> y.T @ x.T", (np.transpose,), _turned_product),
    Rule("np.sum(g[:, None] * x, axis=0) -> x.T @ g", (np.sum,), _product_of_matrices),
)  # fmt: skip
