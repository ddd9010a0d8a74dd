"""np.sinc and np.i0 with all their derivatives: the Bessel functions j_0(pi x) and I_0(x).

Each derivative is a function of its own, accurate also where the usual formulas divide 0 by 0.
"""

import math
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array, dispatched
from tinygrad_ce.rules.kinds import Table

__all__ = ["RULES", "i0_derivative", "sinc_derivative"]


@dispatched
def sinc_derivative(x: Any, n: int) -> Any:
    """The n-th derivative of sin(pi x) / (pi x).

    With z = pi x and s_n the n-th derivative of sin(z) / z, differentiating z s_0 = sin(z) n times
    gives z s_n + n s_{n-1} = sin(z + n pi/2). Near 0 its power series is summed instead.

    >>> sinc_derivative(np.array([1.0, 2.0]), 1)
    array([-1. ,  0.5])
    """
    z = math.pi * as_array(x)
    near = np.abs(z) < n + 1
    far = np.where(near, 1.0, z)
    waves = (np.sin(far), np.cos(far), -np.sin(far), -np.cos(far))
    s = waves[0] / far
    for k in range(1, n + 1):
        s = (waves[k % 4] - k * s) / far
    z = np.where(near, z, 0.0)
    series, square = np.zeros_like(z), z * z
    for m in reversed(range(n % 2, 40 + 6 * n, 2)):  # z^m (-1)^((m+n)/2) / (m! (m+n+1))
        series = series * square + (-1) ** ((m + n) // 2) / (math.factorial(m) * (m + n + 1))
    series = series * z if n % 2 else series
    return math.pi**n * np.where(near, series, s)


@dispatched
def i0_derivative(x: Any, n: int) -> Any:
    """The n-th derivative of the modified Bessel function I_0; the first is I_1.

    The trapezoidal rule on (1/pi) int cos(t)^n exp(x cos(t)) dt from 0 to pi, whose error falls
    faster than any power of the number of nodes; nodes t and pi - t are taken together.

    >>> i0_derivative(np.array([0.0, 1.0]), 1)
    array([0.       , 0.5651591])
    """
    x = as_array(x)
    size = np.abs(x)
    largest = float(np.max(size, initial=0, where=np.isfinite(x)))
    nodes = 8 + n + math.ceil(2.5 * math.sqrt(min(largest, 1e3)))
    total = np.zeros_like(size)
    for j in range(nodes):
        t = (j + 0.5) * math.pi / (2 * nodes)
        c = math.cos(t)
        # exp(-|x|) times 2 cosh(x c) or 2 sinh(|x| c), exact at large x and at small.
        below, both = -2 * math.sin(t / 2) ** 2, np.expm1(-2 * c * size)
        total = total + c**n * np.exp(below * size) * (-both if n % 2 else 2 + both)
    total = total * np.exp(size) / (2 * nodes)
    return np.copysign(total, x) if n % 2 else total


# fmt: off
RULES: Table = {
    np.sinc:         (lambda g, y, x: g * sinc_derivative(x, 1),),
    sinc_derivative: (lambda g, y, x, n: g * sinc_derivative(x, n + 1),),
    np.i0:           (lambda g, y, x: g * i0_derivative(x, 1),),
    i0_derivative:   (lambda g, y, x, n: g * i0_derivative(x, n + 1),),
}
# fmt: on
