"""Lines of arithmetic as sums of monomials, c * x * y / z, in which equal things are seen.

`x / s` and `1 + e` are lines; as monomials they are `{x: 1, s: -1}`, and `{}` beside `{e: 1}`. What
is no arithmetic stands for itself. With `through`, values that have a name are looked into, too;
`folded` gives the names back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_ce.programs.patterns import Makers, number
from tinygrad_ce.programs.program import Line, Value

__all__ = ["Monomial", "Monomials", "collected", "expanded", "factors", "folded", "terms", "weight"]

_LARGE = 100  # lines of arithmetic that are looked into
_MANY = 24  # monomials at most


class Fixed:
    """A constant array; two are equal if they are one."""

    def __init__(self, x: Any) -> None:
        self.x, self.shape, self.ndim, self.dtype, self.name = x, x.shape, x.ndim, x.dtype, "C"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and self.x is other.x

    def __hash__(self) -> int:
        return id(self.x)


class Monomial:
    """c times powers of Values.

    Attributes:
        c: the coefficient.
        powers: the exponent of each Value, none of them 0.
        cancels: whether a factor met its own reciprocal.
        spare: how many things less it takes to write than it took.
    """

    def __init__(
        self, c: float, powers: Mapping[Any, int], cancels: bool = False, spare: int = 0
    ) -> None:
        self.c, self.powers, self.cancels, self.spare = c, dict(powers), cancels, spare

    def __neg__(self) -> Monomial:
        return Monomial(-self.c, self.powers, self.cancels, self.spare)

    def __mul__(self, other: Monomial) -> Monomial:
        return self._times(self.c * other.c, other, 1)

    def __truediv__(self, other: Monomial) -> Monomial:
        return self._times(self.c / other.c, other, -1)

    def _times(self, c: float, other: Monomial, sign: int) -> Monomial:
        powers = dict(self.powers)
        cancels = self.cancels or other.cancels
        for x, n in other.powers.items():
            cancels = cancels or powers.get(x, 0) * n * sign < 0
            powers[x] = powers.get(x, 0) + n * sign
        found = Monomial(c, {x: n for x, n in powers.items() if n}, cancels)
        found.spare = self._taken() + other._taken() - found._taken()
        return found

    def _taken(self) -> int:
        """How many factors were written for it."""
        exponents: int = sum(map(abs, self.powers.values()))
        return self.spare + exponents + self._has_number()

    def _has_number(self) -> bool:
        return abs(self.c) != 1 or all(n < 0 for n in self.powers.values())

    def __pow__(self, n: int) -> Monomial:
        return Monomial(self.c**n, {x: n * m for x, m in self.powers.items()}, self.cancels)

    def weight(self, makers: Makers) -> int:
        """How many things are written in it."""
        inside: int = sum(abs(n) * weight(x, makers) for x, n in self.powers.items())
        return inside + self._has_number()

    def written(self, made: Callable[..., Any]) -> Any:
        """Its lines, but for the sign: c * (x * y) / z."""
        above, below = self._side(1, made), self._side(-1, made)
        c = abs(self.c)
        if above is None and below is None:
            return c
        if below is None:
            return above if c == 1 else made(np.multiply, above, c)
        if above is None:
            return made(np.divide, c, below)
        fraction = made(np.divide, above, below)
        return fraction if c == 1 else made(np.multiply, fraction, c)

    def _side(self, sign: int, made: Callable[..., Any]) -> Any:
        found = None
        for x, n in self.powers.items():
            if n * sign < 0:
                continue
            x = x.x if isinstance(x, Fixed) else x
            x = x if abs(n) == 1 else made(np.power, x, abs(n))
            found = x if found is None else made(np.multiply, found, x)
        return found


Monomials = list[Monomial]


def _itself(x: Any) -> Monomial:
    return Monomial(1.0, {x if isinstance(x, Value) else Fixed(np.asarray(x)): 1})


def _made(x: Any, makers: Makers, through: bool) -> Line | None:
    """The line of arithmetic that makes x, if it is to be looked into."""
    if isinstance(x, Line):
        return x if _is_real(x) and _size(x, makers, through) <= _LARGE else None
    line = _below(x, makers, through)
    return line if line is not None and _size(x, makers, through) <= _LARGE else None


def _below(x: Any, makers: Makers, through: bool) -> Line | None:
    line = makers.get(x) if isinstance(x, Value) else None
    if line is None or (x.name and not through) or not _is_real(line):
        return None
    return line


def _size(x: Value | Line, makers: Makers, through: bool) -> int:
    """How many lines of arithmetic are written in x, shared ones as often as they occur."""
    waiting: list[Any] = [x]
    while waiting:
        last = waiting[-1]
        line = last if isinstance(last, Line) else _below(last, makers, through)
        inside = list(line.operands()) if line is not None else []
        missing = [value for value in inside if (value, through) not in makers.sizes]
        if not missing:
            makers.sizes[waiting.pop(), through] = 1 + sum(makers.sizes[v, through] for v in inside)
        waiting += missing
    return makers.sizes[x, through]


def _is_real(line: Line) -> bool:
    """Whether it computes with real numbers of one precision."""
    if line.kwargs or line.several or len(line.results) != 1 or line.result.dtype.kind != "f":
        return False
    kinds = {x.dtype for x in line.args if not isinstance(x, int | float) and hasattr(x, "dtype")}
    return kinds <= {line.result.dtype}


def factors(x: Any, makers: Makers, through: bool) -> Monomial:
    """x, or what a line makes, as one monomial."""
    n = number(x)
    if n is not None:
        return Monomial(n, {})
    line = _made(x, makers, through)
    if line is None:
        return _itself(x.result if isinstance(x, Line) else x)
    a, *rest = line.args
    if line.function is np.negative:
        return -factors(a, makers, through)
    if line.function is np.multiply:
        left = factors(a, makers, through)
        return left * factors(rest[0], makers, through)
    if line.function is np.divide:
        below = factors(rest[0], makers, through)
        if below.c:
            return factors(a, makers, through) / below
    if line.function is np.square:
        return factors(a, makers, through) ** 2
    if line.function is np.power:
        n = number(rest[0])
        if n is not None and n == int(n) and 0 < abs(n) < 5:
            return factors(a, makers, through) ** int(n)
    logistic = _one_minus_reciprocal(line, makers) if through else None
    return logistic or _itself(line.result if isinstance(x, Line) else x)


def _one_minus_reciprocal(line: Line, makers: Makers) -> Monomial | None:
    """1 - 1 / (1 + x) as x / (1 + x)."""
    if line.function is not np.subtract or number(line.args[0]) != 1:
        return None
    m = factors(line.args[1], makers, True)
    ((s, n), *more) = m.powers.items() or [(None, 0)]
    x = None if more or n != -1 or m.c != 1 else _one_plus(s, makers)
    return None if x is None else Monomial(1.0, {x: 1, s: -1})


def _one_plus(s: Any, makers: Makers) -> Any:
    """x, where s is 1 + x."""
    line = makers.get(s) if isinstance(s, Value) else None
    if line is None or line.function is not np.add:
        return None
    for one, x in (line.args, line.args[::-1]):
        if number(one) == 1 and isinstance(x, Value):
            return x
    return None


def terms(x: Any, makers: Makers, through: bool = False) -> Monomials:
    """x as a sum, without multiplying anything out."""
    line = _made(x, makers, through)
    if line is not None and line.function in (np.add, np.subtract):
        a, b = line.args
        right = terms(b, makers, through)
        right = right if line.function is np.add else [-m for m in right]
        return terms(a, makers, through) + right
    if line is not None and line.function is np.negative:
        return [-m for m in terms(line.args[0], makers, through)]
    return [factors(x, makers, through)]


def expanded(x: Any, makers: Makers) -> Monomials:
    """x as a sum of products of things that are no sums, names looked through."""
    waiting = terms(x, makers, through=True)
    done: Monomials = []
    for _ in range(_MANY * _MANY):
        if not waiting or len(waiting) + len(done) > _MANY:
            break
        m = waiting.pop(0)
        parts = _opened(m, makers)
        if parts is None:
            done.append(m)
        else:
            waiting = parts + waiting
    return done + waiting


def _opened(m: Monomial, makers: Makers) -> Monomials | None:
    """The monomial with one sum in it multiplied out; those with fractions come first."""
    sums = {}
    for x, n in m.powers.items():
        inside = terms(x, makers, through=True) if n > 0 and isinstance(x, Value) else []
        if len(inside) > 1:
            sums[x] = inside
        one = _one_plus(x, makers) if n < 0 else None  # e / (1 + e) = 1 - 1 / (1 + e)
        if one is not None and m.powers.get(one, 0) > 0:
            rest = m / Monomial(1.0, {one: 1})
            return [rest * Monomial(1.0, {x: 1}), -rest]
    if not sums:
        return None
    x = max(sums, key=lambda x: any(min(t.powers.values(), default=0) < 0 for t in sums[x]))
    rest = m / Monomial(1.0, {x: 1})
    return [rest * term for term in sums[x]]


def collected(monomials: Iterable[Monomial]) -> Monomials:
    """Equal ones added up, and those that vanish left out."""
    found: dict[Any, Monomial] = {}
    for m in monomials:
        key = frozenset(m.powers.items())
        c = found[key].c if key in found else 0.0
        found[key] = Monomial(c + m.c, found[key].powers if key in found else m.powers)
    return [m for m in found.values() if abs(m.c) > 1e-15]


def folded(m: Monomial, makers: Makers) -> Monomial:
    """The monomial with names for the products in it that have one."""
    known = []
    for value, line in makers.items():
        if value.name and line.part == "forward" and line.function in (np.multiply, np.divide):
            inside = factors(line, makers, through=True)
            if inside.powers and inside.c == 1 and value not in inside.powers:
                known.append((value, inside.powers))
    known.sort(key=lambda pair: -sum(map(abs, pair[1].values())))
    for value, powers in known:
        while _contains(m.powers, powers):
            m = m / Monomial(1.0, powers) * Monomial(1.0, {value: 1})
    return m


def _contains(whole: dict[Any, int], part: dict[Any, int]) -> bool:
    return all(whole.get(x, 0) * n > 0 and abs(whole[x]) >= abs(n) for x, n in part.items())


def weight(x: Any, makers: Makers) -> int:
    """How many things are written in x or a line, down to names and functions."""
    inside = terms(x, makers)
    if len(inside) == 1 and set(inside[0].powers.values()) <= {1} and len(inside[0].powers) == 1:
        ((only, _),) = inside[0].powers.items()
        if only is x or isinstance(only, Fixed):
            return 1
    return sum(m.weight(makers) + m.spare for m in inside)
