"""Symbols that NumPy programs compute with as with numbers.

A `Term` is one SymPy expression. Its symbols have sample values. Where a program asks which of two
terms is larger, the samples decide, and the `Branch` notes the answer: what was computed holds
wherever the notes do.

Floats stand for the numbers they were rounded from: 0.1 for 1/10, math.log(2) for log 2.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.testing.exact import exact, sympy

__all__ = ["METHODS", "Branch", "Term", "branch_of", "expression"]

DIGITS = 40  # with which terms are compared at the sample


class Branch:
    """What a run on symbols took for granted.

    Attributes:
        point: {symbol: its sample value}.
        charts: {symbol: an expression in others}, by what was given about the symbols.
        conditions: {an expression: the relation that says it is positive, or 0}.
    """

    def __init__(self, point: dict[Any, Any], charts: Mapping[Any, Any]) -> None:
        self.point, self.charts = point, charts
        self.conditions: dict[Any, Any] = {}

    def value(self, expression: Any) -> Any:
        """The expression's value at the sample, to DIGITS digits."""
        return sympy.N(expression, DIGITS, subs=self.point)

    def sign(self, a: Any, b: Any) -> int:
        """The sign of a - b, which is noted unless it is the same everywhere."""
        difference = sympy.expand(a - b)
        sure = self._inner(difference)
        if sure.is_zero:
            return 0
        if sure.is_extended_positive:
            return 1
        if sure.is_extended_negative:
            return -1
        value = self.value(difference)
        if value.is_extended_real is not True:
            raise UnsupportedError(
                f"{a} was compared with {b}, at the sample {value}",
                "a branch is chosen by real numbers",
                "give ranges of the arguments in which f is defined",
            )
        if abs(value) < sympy.Float(10) ** (10 - DIGITS):
            if sympy.simplify(sure) != 0:
                self.conditions[difference] = sympy.Eq(a, b)
            return 0
        difference = difference.primitive()[1]
        a, b = (difference, 0) if b == 0 else (a, b)
        if value > 0:
            self.conditions[difference] = sympy.Gt(a, b).canonical
            return 1
        self.conditions[-difference] = sympy.Lt(a, b).canonical
        return -1

    def _inner(self, difference: Any) -> Any:
        """The same in symbols that may have any real or any positive value."""
        if not self.charts.keys() & difference.free_symbols:
            return difference
        return sympy.cancel(sympy.together(difference.subs(self.charts)))


def expression(x: Any) -> Any:
    """The SymPy expression of a term or a number.

    >>> expression(0.1), expression(1 / 3), expression(np.pi / 180)
    (1/10, 1/3, pi/180)
    """
    if isinstance(x, Term):
        return x.expression
    if isinstance(x, bool | np.bool_ | int | np.integer):
        return sympy.Integer(int(x))
    if isinstance(x, float | np.floating):
        return exact(float(x))
    raise UnsupportedError(
        f"a proof met {type(x).__name__} {x!r:.60}",
        "it is about real numbers",
        "write f with real arrays",
    )


_NUMBER = (bool, int, float, np.bool_, np.integer, np.floating)


class Term:
    """One SymPy expression, which computes as a number does, and compares at the sample."""

    __slots__ = ("branch", "expression")

    def __init__(self, expression: Any, branch: Branch | None) -> None:
        self.expression, self.branch = expression, branch  # a constant has no branch

    def apply(self, function: Callable[..., Any], *others: Any) -> Term:
        """The function of this term's expression, and of others'."""
        return Term(function(self.expression, *map(expression, others)), branch_of(self, *others))

    def _sign(self, other: Any) -> int:
        branch = branch_of(self, other) or Branch({}, {})
        return branch.sign(self.expression, expression(other))

    def _is(self, other: Any, holds: Callable[[int, int], bool]) -> Any:
        if not _computes(other):
            return NotImplemented
        if sympy.nan in (self.expression, expression(other)):
            return holds is operator.ne
        return holds(self._sign(other), 0)

    def __lt__(self, other: Any) -> Any:
        return self._is(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._is(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._is(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._is(other, operator.ge)

    def __eq__(self, other: Any) -> Any:
        return self._is(other, operator.eq)

    def __ne__(self, other: Any) -> Any:
        return self._is(other, operator.ne)

    def __hash__(self) -> int:
        return hash(self.expression)

    def __bool__(self) -> bool:
        return self._sign(0) != 0

    def __neg__(self) -> Term:
        return self.apply(operator.neg)

    def __pos__(self) -> Term:
        return self

    def __abs__(self) -> Term:
        return -self if self._sign(0) < 0 else self

    # What rounds is left as it is: its slope is 0 wherever it has one.

    def __floor__(self) -> Term:
        return self.apply(lambda x: sympy.floor(x))

    def __ceil__(self) -> Term:
        return self.apply(lambda x: sympy.ceiling(x))

    def __trunc__(self) -> Term:
        return self.__floor__() if self >= 0 else self.__ceil__()

    def rint(self) -> Any:
        return (self + 0.5).__floor__()

    def __mod__(self, other: Any) -> Any:
        return self - (self / other).__floor__() * other

    def __rmod__(self, other: Any) -> Any:
        return Term(expression(other), None) % self

    def __floordiv__(self, other: Any) -> Any:
        return (self / other).__floor__()

    def fmod(self, other: Any) -> Any:
        return self - (self / other).__trunc__() * other

    def conjugate(self) -> Term:
        return self

    def fabs(self) -> Term:
        return abs(self)

    def __float__(self) -> float:
        raise UnsupportedError(
            f"{self.expression} was to become a float",
            "a proof computes with symbols, and a float would be one sample of them",
            "leave out float(), .item() and dtype=float, and join results with np.stack",
        )

    def __repr__(self) -> str:
        return str(self.expression)

    # What operators of numbers put in; set below.
    __add__: Any
    __radd__: Any
    __sub__: Any
    __rsub__: Any
    __mul__: Any
    __rmul__: Any
    __truediv__: Any
    __rtruediv__: Any
    __pow__: Any
    __rpow__: Any


def branch_of(*terms: Any) -> Branch | None:
    """The branch that terms are on, None for constants."""
    return next((x.branch for x in terms if isinstance(x, Term) and x.branch), None)


def _computes(x: Any) -> bool:
    return type(x) is Term or isinstance(x, _NUMBER)


def _operators(function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    def operate(a: Term, b: Any) -> Any:
        return a.apply(function, b) if _computes(b) else NotImplemented

    def reflected(b: Term, a: Any) -> Any:
        return b.apply(lambda y, x: function(x, y), a) if _computes(a) else NotImplemented

    return operate, reflected


Term.__add__, Term.__radd__ = _operators(operator.add)
Term.__sub__, Term.__rsub__ = _operators(operator.sub)
Term.__mul__, Term.__rmul__ = _operators(operator.mul)
Term.__truediv__, Term.__rtruediv__ = _operators(operator.truediv)
Term.__pow__, Term.__rpow__ = _operators(operator.pow)

# The method of this name is what the ufunc calls of every entry of an object array.
# fmt: off
METHODS: dict[str, Callable[..., Any]] = {
    "exp":     lambda x: sympy.exp(x),
    "exp2":    lambda x: 2**x,
    "expm1":   lambda x: sympy.exp(x) - 1,
    "log":     lambda x: sympy.log(x),
    "log2":    lambda x: sympy.log(x) / sympy.log(2),
    "log10":   lambda x: sympy.log(x) / sympy.log(10),
    "log1p":   lambda x: sympy.log(1 + x),
    "sqrt":    lambda x: sympy.sqrt(x),
    "sin":     lambda x: sympy.sin(x),
    "cos":     lambda x: sympy.cos(x),
    "tan":     lambda x: sympy.tan(x),
    "arcsin":  lambda x: sympy.asin(x),
    "arccos":  lambda x: sympy.acos(x),
    "arctan":  lambda x: sympy.atan(x),
    "sinh":    lambda x: sympy.sinh(x),
    "cosh":    lambda x: sympy.cosh(x),
    "tanh":    lambda x: sympy.tanh(x),
    "arcsinh": lambda x: sympy.asinh(x),
    "arccosh": lambda x: sympy.acosh(x),
    "arctanh": lambda x: sympy.atanh(x),
    "deg2rad": lambda x: x * sympy.pi / 180,
    "radians": lambda x: x * sympy.pi / 180,
    "rad2deg": lambda x: x * 180 / sympy.pi,
    "degrees": lambda x: x * 180 / sympy.pi,
    "hypot":   lambda a, b: sympy.sqrt(a**2 + b**2),
    "arctan2": lambda a, b: sympy.atan2(a, b),
}
# fmt: on


def _method(function: Callable[..., Any]) -> Callable[..., Term]:
    return lambda self, *others: self.apply(function, *others)


for _name, _function in METHODS.items():
    setattr(Term, _name, _method(_function))


def _cbrt(x: Term) -> Term:
    """The real cube root, of negative numbers too."""
    third = sympy.Rational(1, 3)
    return -((-x).apply(lambda e: e**third)) if x < 0 else x.apply(lambda e: e**third)


setattr(Term, "cbrt", _cbrt)  # noqa: B010  NumPy's name for it, which no one else calls
