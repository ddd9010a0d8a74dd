"""Derivatives that are more than one line, for the table in `scipy.py`.

Each is named after the function that it is the derivative of, and takes the module scipy.special
first. Where a formula loses digits or meets 0/0 it changes to one that does not, behind `np.where`
with operands that are harmless in the part not taken; so higher orders are as safe.
"""

import math
from itertools import accumulate
from operator import mul
from typing import Any

import numpy as np

from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.support import weigh

__all__ = [
    "at_zero",
    "betainc",
    "boxcox",
    "dawsn",
    "ellipe",
    "ellipk",
    "erfcx",
    "expn",
    "exprel",
    "gammainc",
    "inv_boxcox",
    "log_ndtr",
    "poch",
    "psi",
    "rgamma",
    "sine_over",
    "spence",
    "stdtr",
    "struve_term",
]

_PI = math.pi
_ERF, _ROOT = 2 / math.sqrt(_PI), math.sqrt(2 / _PI)
_ODD = tuple(accumulate(range(1, 33, 2), mul))  # 1, 1 3, 1 3 5 ...


def at_zero(x: Any, sign: int, formula: Function) -> Any:
    """The formula; at 0, where two infinite terms of it meet, their limit sign/x."""
    zero = x == 0
    limit = sign * np.reciprocal(np.where(zero, x, 1.0))
    return np.where(zero, limit, formula(np.where(zero, 1.0, x)))


def _double_factorials(s: Any) -> Any:
    """1 + 3 s + 15 s^2 + 105 s^3 ...: for |s| <= 1/200 its 16 terms are exact."""
    total = _ODD[-1] * s + _ODD[-2]
    for odd in _ODD[-3::-1]:
        total = total * s + odd
    return total


def dawsn(special: Any, x: Any) -> Any:
    """1 - 2 x D(x); for large x, where the two cancel, its asymptotic series."""
    if np.iscomplexobj(x):
        return 1 - 2 * x * special.dawsn(x)
    far = np.abs(x) > 10
    s = 0.5 / np.square(np.where(far, x, 10.0))
    near = np.where(far, 0.0, x)
    return np.where(far, -s * _double_factorials(s), 1 - 2 * near * special.dawsn(near))


def erfcx(special: Any, x: Any) -> Any:
    """2 x erfcx(x) - 2/sqrt(pi); for large x, where the two cancel, its asymptotic series."""
    if np.iscomplexobj(x):
        return 2 * x * special.erfcx(x) - _ERF
    far = x > 10
    s = 0.5 / np.square(np.where(far, x, 10.0))
    near = np.where(far, 0.0, x)
    return np.where(far, -_ERF * s * _double_factorials(-s), 2 * near * special.erfcx(near) - _ERF)


def psi(special: Any, x: Any) -> Any:
    """The trigamma function: Hurwitz' zeta(2, x)."""
    if np.iscomplexobj(x):
        raise UnsupportedError(
            "the derivative of the digamma function was wanted at a complex number",
            "SciPy computes it for real numbers only",
            "take gradients of the first order, or write it with real numbers",
        )
    return special.zeta(2, x)


def rgamma(special: Any, x: Any) -> Any:
    """The derivative of 1/gamma(x); by reflection on the left, where digamma has poles."""
    left = np.real(x) < 0.5
    a, b = np.where(left, x, 0.0), np.where(left, 1.0, x)
    reflected = np.cos(_PI * a) - np.sin(_PI * a) / _PI * special.psi(1 - a)
    return np.where(
        left, special.gamma(1 - a) * reflected, -weigh(special.rgamma(b), special.psi(b))
    )


def poch(special: Any, y: Any, z: Any, m: Any) -> Any:
    """y (digamma(z + m) - digamma(z)); on the left by 1/gamma, which has no poles."""
    left = z < 0.5
    a, b = np.where(left, z, 0.5), np.where(left, 1.0, z)
    poles = special.psi(a + m) * special.rgamma(a) + rgamma(special, a)
    return np.where(left, special.gamma(a + m) * poles, y * (special.psi(b + m) - special.psi(b)))


def gammainc(special: Any, a: Any, x: Any) -> Any:
    """x^(a-1) e^-x / gamma(a), in logarithms where the power could overflow."""
    near, far = np.where(x > 1, 1.0, x), np.minimum(np.where(x > 1, x, 1.0), 1e30)
    power = np.power(near, a - 1) * np.exp(-near) * special.rgamma(a)
    return np.where(x > 1, np.exp((a - 1) * np.log(far) - far - special.gammaln(a)), power)


def betainc(special: Any, a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b), in logarithms except at 0 and 1."""
    inner = (x > 0) & (x < 1)
    p, edge = np.where(inner, x, 0.5), np.where(inner, 0.0, x)
    power = np.power(edge, a - 1) * np.power(1 - edge, b - 1)
    logarithm = (a - 1) * np.log(p) + (b - 1) * np.log1p(-p) - special.betaln(a, b)
    return np.where(inner, np.exp(logarithm), weigh(power, 1 / special.beta(a, b)))


def stdtr(special: Any, df: Any, t: Any) -> Any:
    """Student's density."""
    logarithm = (df + 1) / 2 * np.log1p(t * t / df) + special.betaln(df / 2, 0.5)
    return np.exp(-logarithm) / np.sqrt(df)


def boxcox(special: Any, power: Any, y: Any, lmbda: Any, logx: Any) -> Any:
    """By the power p: (x^p log x - y) / p, from x^p and log x; a series for small u = p log x."""
    u = lmbda * logx
    small = np.abs(u) < 1
    p, v = np.where(small, 1.0, lmbda), np.where(small, u, 0.0)
    near = np.where(small, logx, 0.0)
    far = (weigh(power, logx) - y) / p
    return np.where(small, near * near * special.hyp1f1(2.0, 3.0, v) / 2, far)


def exprel(special: Any, y: Any, x: Any) -> Any:
    """(exp(x) - y) / x, near 0 a hypergeometric series; exp(x) = x y + 1 where it would overflow.

    Not the series everywhere: SciPy's hyp1f1 does not return from an infinite argument.
    """
    small = np.abs(x) < 2
    near, far = np.where(small, x, 0.0), np.where(small, 1.0, x)
    left = (np.exp(np.minimum(far, 0.0)) - y) / far
    right = y * (1 - 1 / far) + 1 / far
    return np.where(small, special.hyp1f1(2.0, 3.0, near) / 2, np.where(x > 0, right, left))


def inv_boxcox(special: Any, x: Any, y: Any, lmbda: Any, logx: Any) -> Any:
    """By the power, at the result x: minus boxcox's derivative by it over that by x."""
    slope = boxcox(special, np.power(x, lmbda), y, lmbda, logx)
    return -np.power(x, 1 - lmbda) * slope


def ellipk(special: Any, p: Any) -> Any:
    """The derivative of K by m = 1 - p: (E - p K) / (2 m p), near m = 0 a hypergeometric series."""
    small = np.abs(1 - p) < 0.3
    m, q = np.where(small, 1 - p, 0.0), np.where(small, 0.5, p)
    difference = special.ellipe(1 - q) - weigh(q, special.ellipkm1(q))
    near = _PI / 8 * special.hyp2f1(1.5, 1.5, 2.0, m)
    return np.where(small, near, difference / (2 * (1 - q) * q))


def ellipe(special: Any, m: Any) -> Any:
    """The derivative of E by m: (E - K) / (2 m), near m = 0 a hypergeometric series."""
    small = np.abs(m) < 0.3
    a, b = np.where(small, m, 0.0), np.where(small, 0.5, m)
    near = -_PI / 8 * special.hyp2f1(0.5, 1.5, 2.0, a)
    return np.where(small, near, (special.ellipe(b) - special.ellipk(b)) / (2 * b))


def spence(special: Any, z: Any) -> Any:
    """log(z) / (1 - z), near z = 1 a hypergeometric series."""
    near = np.abs(1 - z) < 0.5
    w, far = np.where(near, 1 - z, 0.0), np.where(near, 0.5, z)
    return np.where(near, -special.hyp2f1(1.0, 1.0, 2.0, w), np.log(far) / (1 - far))


def sine_over(special: Any, sine: Any, x: Any, sign: int) -> Any:
    """sin(x) / x or sinh(x) / x, near 0 a hypergeometric series."""
    small = np.abs(x) < 1
    a, b = np.where(small, x, 0.0), np.where(small, 1.0, x)
    return np.where(small, special.hyp0f1(1.5, sign * a * a / 4), sine(b) / b)


def expn(special: Any, n: Any, y: Any, x: Any) -> Any:
    """-E_(n-1)(x); E_0 is exp(-x) / x."""
    return np.where(n == 0, -(y + y / x), -special.expn(np.maximum(n - 1, 0), x))


def struve_term(special: Any, v: Any, x: Any) -> Any:
    """(x/2)^v / (sqrt(pi) gamma(v + 3/2))."""
    return np.power(x / 2, v) * (special.rgamma(v + 1.5) / math.sqrt(_PI))


def log_ndtr(special: Any, x: Any) -> Any:
    """The normal density over its distribution function, at x."""
    return _ROOT / special.erfcx(-x * math.sqrt(0.5))
