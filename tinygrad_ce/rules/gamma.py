"""The logarithm of the gamma function, and its derivatives of every order, for real numbers.

Computed in float64 and rounded to the operand's dtype. For x > 0 within 5 ulp, polygamma of order n
within 5 + n. For x < 0, where all but polygamma of odd order cross 0 between any two integers,
the error is as large in ulp of the largest term of the reflection formula.

At the poles 0, -1, -2, ... lgamma is inf, and so is polygamma of odd order. digamma, and polygamma
of even order, have two sides there: nan, but at 0, whose sign tells the side.
"""

from math import factorial, log, pi
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import dispatched, real_array
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.kinds import Table

__all__ = ["RULES", "digamma", "lgamma", "polygamma"]

# fmt: off
# lgamma(x) / ((x - 1) (x - 2)) for x in [0.9, 2.1], and digamma(x) / (x - root) for x in [1, 2], by
# powers of x - 1.5: interpolated at Chebyshev's points in 60 digits, within an ulp.
_LGAMMA = (
    6.811948448144747e-06, -1.062700942229614e-05, 2.504979072092327e-06, -3.99607569525202e-06,
    1.908565484363797e-05, -3.0067983723241082e-05, 4.0982767874939444e-05,
    -6.507787111004735e-05, 0.00010579537263559733, -0.00016916150482213603,
    0.00027125298113013296, -0.00043795759944014964, 0.0007115244203270443,
    -0.0011644178378540431, 0.0019229160223699705, -0.0032120738937452572, 0.005446457848111951,
    -0.009425622454010192, 0.016797098631137368, -0.03130848750093398, 0.06291140107456514,
    -0.1459598959143064, 0.4831289505409809,
)
_DIGAMMA = (
    0.00011881232908510335, -0.0001782188548855923, 9.653646261410062e-05,
    -0.00014480643368061614, 0.00032395945401345196, -0.00048595039220036254,
    0.0006909255761282986, -0.0010364584817312839, 0.0015633696313653504,
    -0.0023454947397380833, 0.003518106563802472, -0.005279937255532708, 0.007927021796868154,
    -0.011908220105959716, 0.017907248317313294, -0.026975796659787055, 0.040760833940846085,
    -0.06192213327548831, 0.09498872445289039, -0.14840492305388092, 0.24054248424078697,
    -0.4236274212814606, 0.9510558760318328,
)
_ROOT, _ROOT_REST = 1.4616321449683622, 9.549995429965697e-17
# Bernoulli's numbers B_2, B_4, ...
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
              43867 / 798, -174611 / 330)
# fmt: on


@dispatched
def lgamma(x: Any) -> Any:
    """log(|Gamma(x)|); for whole x > 0 the logarithm of (x - 1)!.

    Args:
        x: real numbers of any shape.

    Returns:
        An array of x's shape and dtype; float64 for integers.

    Raises:
        DTypeError: x is complex.

    Its derivative: `digamma(x)`. From 10 on Stirling's series; below, Gamma(x + 1) = x Gamma(x)
    leads to an interval around 1 and 2, the zeros, which are split off from a polynomial; for
    x < 0 Gamma(x) Gamma(-x) = -pi / (x sin(pi x)) (Abramowitz and Stegun 1964, chapter 6.1).

    >>> lgamma(np.array([0.0, 1.0, 4.0]))
    array([       inf, 0.        , 1.79175947])
    """
    x, dtype = _wide(x, "lgamma")
    with np.errstate(all="ignore"):
        size = np.abs(x)
        r, product = np.minimum(size, 10.0), np.ones_like(x)
        for _ in range(8):
            high = r > 2.1
            r = np.where(high, r - 1, r)
            product = np.where(high, product * r, product)
        low = size < 0.9
        r = np.where(low, size + 1, r)
        steps = np.log(np.where(low, size, product)) * np.where(low, -1, 1)
        near = (r - 1) * (r - 2) * np.polyval(_LGAMMA, r - 1.5) + steps
        s = np.maximum(size, 10.0)
        series = _descending([b / (2 * k * (2 * k - 1)) for k, b in _numbered()], s) * s
        far = (s - 0.5) * (np.log(s) - 1) + (0.5 * log(2 * pi) - 0.5 + series)
        y = np.where(size < 10, near, np.where(size == np.inf, np.inf, far))
        sine = np.abs(np.sin(pi * (x - np.rint(x)))) / pi
        mirrored = -np.log(sine) - np.log(size) - y
        y = np.where(x > 0, y, np.where((x == np.rint(x)) & (x <= 0), np.inf, mirrored))
    return y.astype(dtype)[()]


@dispatched
def digamma(x: Any) -> Any:
    """The derivative of lgamma, Gamma'(x) / Gamma(x).

    Args:
        x: real numbers of any shape.

    Returns:
        An array of x's shape and dtype; float64 for integers.

    Raises:
        DTypeError: x is complex.

    Its derivative: `polygamma(1, x)`. From 10 on its asymptotic series; below,
    psi(x + 1) = psi(x) + 1 / x leads to [1, 2], where its zero is split off from a polynomial; for
    x < 0 psi(1 - x) - psi(x) = pi cot(pi x) (Abramowitz and Stegun 1964, chapter 6.3).

    >>> digamma(np.array([0.0, 1.0]))
    array([       -inf, -0.57721566])
    """
    x, dtype = _wide(x, "digamma")
    with np.errstate(all="ignore"):
        positive = np.where(x < 0, 1 - x, x)
        r, total = np.minimum(positive, 10.0), np.zeros_like(x)
        for _ in range(9):
            high = r > 2
            r = np.where(high, r - 1, r)
            total = np.where(high, total + 1 / r, total)
        low = r < 1
        r, total = np.where(low, r + 1, r), np.where(low, -1 / r, total)
        near = (r - _ROOT - _ROOT_REST) * np.polyval(_DIGAMMA, r - 1.5) + total
        s = np.maximum(positive, 10.0)
        series = _descending([b / (2 * k) for k, b in _numbered()], s)
        far = np.log(s) - (0.5 / s + series)
        y = np.where(positive < 10, near, far)
        y = np.where(x < 0, y - pi / np.tan(pi * (x - np.rint(x))), y)
        y = np.where((x < 0) & (x == np.rint(x)), np.nan, y)
    return y.astype(dtype)[()]


@dispatched
def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of digamma.

    Args:
        n: the order, an integer from 0 to 169.
        x: real numbers of any shape.

    Returns:
        An array of x's shape and dtype; float64 for integers.

    Raises:
        UnsupportedError: n is no such integer.
        DTypeError: x is complex.

    Its derivative: `polygamma(n + 1, x)`. It is (-1)^(n+1) n! zeta(n + 1, x), with Hurwitz' zeta
    function, the sum of (x + k)^-(n+1), by Euler and Maclaurin's formula; for x < 0 the n-th
    derivative of digamma's reflection formula (Abramowitz and Stegun 1964, chapter 6.4).

    >>> polygamma(1, np.array([1.0, 2.0]))
    array([1.64493407, 0.64493407])
    """
    if not isinstance(n, int | np.integer) or not 0 <= n < 170:
        raise UnsupportedError(
            f"polygamma was asked for order {n!r}",
            "the order is an integer from 0 to 169, beyond which n! overflows",
            "pass it as the first argument, x as the second",
        )
    if n == 0:
        return digamma(x)
    x, dtype = _wide(x, "polygamma")
    with np.errstate(all="ignore"):
        y = _zeta(n + 1, np.where(x < 0, 1 - x, x)) * float(factorial(n)) * (-1) ** (n + 1)
        r = x - np.rint(x)
        mirrored = (-1) ** n * y - pi ** (n + 1) * np.polyval(_cotangent(n), 1 / np.tan(pi * r))
        pole = np.inf if n % 2 else np.nan
        y = np.where(x < 0, np.where(r == 0, pole, mirrored), y)
    return y.astype(dtype)[()]


def _wide(x: Any, name: str) -> tuple[Any, Any]:
    """x in float64 at least, and the dtype of the result."""
    x = real_array(x, name)
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    return x.astype(np.result_type(dtype, np.float64)), dtype


def _numbered() -> Any:
    return enumerate(_BERNOULLI, 1)


def _descending(coefficients: Any, s: Any) -> Any:
    """The sum over k >= 1 of the coefficients by s^(2k)."""
    t = 1 / (s * s)
    return t * np.polyval(coefficients[::-1], t)


def _zeta(s: int, x: Any) -> Any:
    """The sum over k >= 0 of (x + k)^-s, x >= 0: some terms, and an integral for the rest."""
    terms = 10 + s // 2
    total = sum((x + k) ** -float(s) for k in reversed(range(1, terms))) + x ** -float(s)
    a = x + terms
    power = a ** -float(s)
    rest = a ** (1.0 - s) / (s - 1) + 0.5 * power  # power alone underflows first
    factor = power * (s / a)
    for k, b in _numbered():
        rest = rest + b * (factor / factorial(2 * k))
        factor = factor * ((s + 2 * k - 1) / a) * ((s + 2 * k) / a)
    return np.where(x == np.inf, 0.0, total + rest)


def _cotangent(n: int) -> Any:
    """The n-th derivative of cot as a polynomial in c = cot: c' = -(1 + c^2)."""
    p = np.array([1.0, 0.0])
    for _ in range(n):
        p = np.polymul(np.polyder(p), [-1.0, 0.0, -1.0])
    return p


# fmt: off
RULES: Table = {
    lgamma:    (lambda g, y, x: g * digamma(x),),
    digamma:   (lambda g, y, x: g * polygamma(1, x),),
    polygamma: (None, lambda g, y, n, x: g * polygamma(n + 1, x)),
}
# fmt: on
