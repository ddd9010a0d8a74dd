"""Elementwise functions that NumPy lacks: sigmoid, softplus, erf, and the terms of the losses.

Those that ask which numbers are larger refuse complex ones; xlogy and binary_log_loss are analytic.
"""

import math
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import dispatched, real_array
from tinygrad_ce.rules.kinds import Table
from tinygrad_ce.rules.support import ratio

__all__ = [
    "RULES",
    "binary_log_loss",
    "erf",
    "erfc",
    "log_sigmoid",
    "sigmoid",
    "sigmoid_log_loss",
    "softplus",
    "xlogy",
]


@dispatched
def sigmoid(z: Any) -> Any:
    """1 / (1 + exp(-z)), the probability whose log odds are z.

    Args:
        z: floats of any shape.

    Returns:
        An array of z's shape and dtype, from 0 to 1.

    Its derivative: `y (1 - y)`.

    >>> sigmoid(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    z = real_array(z, "sigmoid")
    return np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))


@dispatched
def softplus(z: Any) -> Any:
    """log(1 + exp(z)), a smooth relu.

    Args:
        z: floats of any shape.

    Returns:
        An array of z's shape and dtype.

    Its derivative: `sigmoid(z)`.

    >>> softplus(np.array([-1e4, 1e4]))
    array([    0., 10000.])
    """
    z = real_array(z, "softplus")
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


@dispatched
def log_sigmoid(z: Any) -> Any:
    """log(sigmoid(z)) = -softplus(-z), finite where sigmoid underflows to 0.

    >>> log_sigmoid(np.array([-1e4, 1e4]))
    array([-10000.,      0.])
    """
    z = real_array(z, "log_sigmoid")
    return np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z)))


@dispatched
def xlogy(x: Any, y: Any) -> Any:
    """x log(y), and 0 where x is 0, whatever y is.

    Args:
        x: weights of any shape.
        y: floats >= 0 whose shape broadcasts with x's.

    Returns:
        An array of the broadcast shape.

    Its derivative by y: `x / y`, and 0 where x is 0.

    >>> xlogy(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    array([  0., -inf])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(x, 0), 0.0, np.multiply(x, np.log(y)))


@dispatched
def binary_log_loss(y: Any, t: Any) -> Any:
    """-(t log(y) + (1 - t) log(1 - y)), a term of weight 0 counting 0.

    Its derivative by y: `-t/y + (1 - t)/(1 - y)`.

    >>> binary_log_loss(np.array([0.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0]))
    array([ 0.,  0., inf])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return 0.0 - xlogy(t, y) - np.where(np.equal(t, 1), 0.0, (1 - t) * np.log1p(-y))


@dispatched
def sigmoid_log_loss(z: Any, t: Any) -> Any:
    """binary_log_loss(sigmoid(z), t) = softplus(z) - t z, without overflow.

    Its derivative by z: `sigmoid(z) - t`.

    >>> sigmoid_log_loss(np.array([50.0, -1e4]), np.array([0.0, 1.0]))
    array([   50., 10000.])
    """
    z = real_array(z, "sigmoid_log_loss")
    # max(z, 0) - t z, each half written so that its large terms vanish exactly for t = 0 and 1.
    positive = np.where(z > 0, (1 - t) * np.maximum(z, 0), -t * np.minimum(z, 0))
    return positive + np.log1p(np.exp(-np.abs(z)))


@dispatched
def erf(x: Any) -> Any:
    """The error function, 2/sqrt(pi) times the integral of exp(-s^2) from 0 to x.

    Rational approximations of Cody (1969), within 2 ulp.

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


_ERF = 2 / math.sqrt(math.pi)

# fmt: off
RULES: Table = {
    sigmoid:          (lambda g, y, z: g * (y * (1 - y)),),
    softplus:         (lambda g, y, z: g * sigmoid(z),),
    log_sigmoid:      (lambda g, y, z: g * sigmoid(-z),),
    xlogy:            (lambda g, y, x, z: g * np.log(z),
                       lambda g, y, x, z: g * ratio(x, z)),
    binary_log_loss:  (lambda g, loss, y, t: g * (ratio(1 - t, 1 - y) - ratio(t, y)),
                       lambda g, loss, y, t: g * (np.log1p(-y) - np.log(y))),
    sigmoid_log_loss: (lambda g, loss, z, t: g * (sigmoid(z) - t),
                       lambda g, loss, z, t: -g * z),
    erf:              (lambda g, y, x: g * (_ERF * np.exp(-x * x)),),
    erfc:             (lambda g, y, x: -g * (_ERF * np.exp(-x * x)),),
}
# fmt: on
