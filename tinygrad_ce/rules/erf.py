"""The error function, its complement and its inverse, for real numbers."""

import math
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import dispatched, real_array
from tinygrad_ce.rules.kinds import Table

__all__ = ["RULES", "erf", "erfc", "erfinv"]

_ERF = 2 / math.sqrt(math.pi)
_SMALL = 0.46875
# fmt: off
_A = (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2,
      3.77485237685302021e2, 3.20937758913846947e3)
_B = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
      2.84423683343917062e3)
_C = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0,
      6.61191906371416295e1, 2.98635138197400131e2, 8.81952221241769090e2,
      1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3)
_D = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
      1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3,
      3.43936767414372164e3, 1.23033935480374942e3)
_P = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
      1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4)
_Q = (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1,
      6.05183413124413191e-2, 2.33520497626869185e-3)
# fmt: on


@dispatched
def erf(x: Any) -> Any:
    """The error function, 2/sqrt(pi) times the integral of exp(-s^2) from 0 to x.

    Args:
        x: real numbers of any shape.

    Returns:
        An array of x's shape and dtype.

    Raises:
        DTypeError: x is complex.

    Its derivative: `2/sqrt(pi) exp(-x^2)`. Rational approximations of Cody (1969), within 3 ulp.

    >>> erf(np.array([-10.0, 0.0, 0.5]))
    array([-1.        ,  0.        ,  0.52049988])
    """
    x = real_array(x, "erf")
    small = np.abs(x) <= _SMALL
    near = _erf_near_0(np.where(small, x, 0))
    result = np.where(small, near, np.sign(x) * (1 - erfc(np.abs(x))))
    return result.astype(x.dtype) if x.dtype.kind == "f" else result


@dispatched
def erfc(x: Any) -> Any:
    """1 - erf(x), accurate where it is tiny.

    Arguments and errors as `erf`, within 6 ulp. Its derivative: `-2/sqrt(pi) exp(-x^2)`.

    >>> erfc(np.array([0.0, 10.0]))
    array([1.00000000e+00, 2.08848758e-45])
    """
    x = real_array(x, "erfc")
    size = np.abs(x)
    tail = np.where(
        size <= 4, _erfc_middle(np.clip(size, _SMALL, 4)), _erfc_far(np.clip(size, 4, 30))
    )
    near = 1 - _erf_near_0(np.clip(x, -_SMALL, _SMALL))
    result = np.where(size <= _SMALL, near, np.where(x > 0, tail, 2 - tail))
    return result.astype(x.dtype) if x.dtype.kind == "f" else result


@dispatched
def erfinv(y: Any) -> Any:
    """The inverse of erf, for y from -1 to 1, within 4 ulp.

    Args:
        y: floats of any shape.

    Returns:
        An array of y's shape and dtype; nan outside of -1 to 1.

    Raises:
        DTypeError: y is complex.

    Its derivative: `sqrt(pi)/2 exp(erfinv(y)^2)`. Winitzki's (2008) approximation to 3 digits and
    three of Halley's steps, each of which triples the digits that are right.

    >>> erfinv(np.array([-1.0, 0.0, 0.5]))
    array([      -inf, 0.        , 0.47693628])
    """
    y = real_array(y, "erfinv")
    size = np.abs(y).astype(np.result_type(y, np.float64))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        logarithm = np.log1p(-size * size)
        half = 2 / (math.pi * 0.147) + logarithm / 2
        x = np.sqrt(-logarithm / 0.147 / (np.sqrt(half * half - logarithm / 0.147) + half))
        for _ in range(3):
            # The error of erf, by erfc where that is smaller.
            error = np.where(size < 0.5, erf(x) - size, (1 - size) - erfc(x))
            step = error / (_ERF * np.exp(-x * x))
            x = x - step / (1 + x * step)
    x = np.where(size == 1, np.inf, x)
    return np.copysign(x, y).astype(y.dtype if y.dtype.kind == "f" else np.float64)[()]


def _erf_near_0(x: Any) -> Any:
    return x * np.polyval(_A, x * x) / np.polyval(_B, x * x)


def _erfc_middle(x: Any) -> Any:
    return _exp_minus_square(x) * np.polyval(_C, x) / np.polyval(_D, x)


def _erfc_far(x: Any) -> Any:
    s = 1 / (x * x)
    tail = s * np.polyval(_P, s) / np.polyval(_Q, s)
    return _exp_minus_square(x) * (1 / math.sqrt(math.pi) - tail) / x


def _exp_minus_square(x: Any) -> Any:
    """exp(-x^2) to full precision: x^2 in an exact part and a small rest."""
    head = np.trunc(x * 16) / 16
    return np.exp(-head * head) * np.exp(-(x - head) * (x + head))


def _slope(x: Any) -> Any:
    """2/sqrt(pi) exp(-x^2), which is 0 from 28 on, and so at inf."""
    return _ERF * _exp_minus_square(np.clip(x, -30, 30))


# fmt: off
RULES: Table = {
    erf:    (lambda g, y, x: g * _slope(x),),
    erfc:   (lambda g, y, x: -g * _slope(x),),
    erfinv: (lambda g, x, y: g * (np.exp(x * x) / _ERF),),
}
# fmt: on
