"""SymPy, and the exact numbers that floats stand for."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import Any

from tinygrad_ce.optional import Library

__all__ = ["exact", "sympy"]


sympy: Any = Library("sympy", "SymPy", "it is what proves that two expressions are equal", "proof")


def _constants() -> list[tuple[float, Any]]:
    s = sympy
    root = math.sqrt(math.pi)
    return [
        (math.pi, s.pi), (1 / math.pi, 1 / s.pi),
        (root, s.sqrt(s.pi)), (1 / root, 1 / s.sqrt(s.pi)),
        (math.log(2), s.log(2)), (math.log2(math.e), 1 / s.log(2)), (math.e, s.E),
        (math.log(10), s.log(10)), (math.log10(math.e), 1 / s.log(10)),
        (math.sqrt(2), s.sqrt(2)), (math.sqrt(3), s.sqrt(3)),
        (math.sqrt(2 / math.pi), s.sqrt(2 / s.pi)),
    ]  # fmt: skip


@cache
def exact(x: float) -> Any:
    """The number a float was rounded from: a short decimal, a fraction, one with pi or a root."""
    if not math.isfinite(x):
        return sympy.nan if math.isnan(x) else sympy.oo if x > 0 else -sympy.oo
    if x.is_integer():
        return sympy.Integer(int(x))
    text = repr(x)
    if len(text.split("e")[0]) <= 14:
        return sympy.Rational(text)
    fraction = Fraction(x).limit_denominator(1000)
    if float(fraction) == x:
        return sympy.Rational(fraction.numerator, fraction.denominator)
    for value, number in _constants():
        fraction = Fraction(x / value).limit_denominator(360)
        if fraction and abs(float(fraction) * value - x) <= 2 * math.ulp(x):
            return number * sympy.Rational(fraction.numerator, fraction.denominator)
    return sympy.Rational(text)
