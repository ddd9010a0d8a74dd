"""Elementwise functions that NumPy lacks: sigmoid and logit, x log y, the losses' terms.

A term of weight 0 counts 0. Beyond the domain of logit, where it is nan, its derivative follows the
formula; entr is -inf below 0 and has no derivative there: nan. Those that ask which numbers are
larger refuse complex ones; xlogy, xlog1py and binary_log_loss are analytic.
"""

from typing import Any

import numpy as np

from tinygrad_ce.dispatch import dispatched, real_array
from tinygrad_ce.rules.kinds import Table
from tinygrad_ce.rules.support import ratio

__all__ = [
    "RULES",
    "binary_log_loss",
    "entr",
    "log_sigmoid",
    "logit",
    "sigmoid",
    "sigmoid_log_loss",
    "softplus",
    "xlog1py",
    "xlogy",
]


@dispatched
def sigmoid(z: Any) -> Any:
    """1 / (1 + exp(-z)), the probability whose log odds are z.

    Args:
        z: floats of any shape.

    Returns:
        An array of z's shape and dtype, from 0 to 1.

    Raises:
        DTypeError: z is complex.

    Its derivative: `y (1 - y)`.

    >>> sigmoid(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    z = real_array(z, "sigmoid")
    return np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))


@dispatched
def logit(y: Any) -> Any:
    """log(y / (1 - y)), the log odds of a probability: the inverse of sigmoid.

    Args:
        y: floats from 0 to 1, of any shape.

    Returns:
        An array of y's shape and dtype; nan outside.

    Raises:
        DTypeError: y is complex.

    Its derivative: `1 / (y (1 - y))`.

    >>> logit(np.array([0.0, 0.5, 0.75]))
    array([      -inf, 0.        , 1.09861229])
    """
    y = real_array(y, "logit")
    with np.errstate(divide="ignore", invalid="ignore"):
        # Around 1/2, where it is 0, by 2 y - 1, which is exact there.
        middle = 2 * np.arctanh(2 * y - 1)
        return np.where(np.abs(y - 0.5) < 0.25, middle, np.log(y) - np.log1p(-y))[()]


@dispatched
def softplus(z: Any) -> Any:
    """log(1 + exp(z)), a smooth relu.

    Args:
        z: floats of any shape.

    Returns:
        An array of z's shape and dtype.

    Raises:
        DTypeError: z is complex.

    Its derivative: `sigmoid(z)`.

    >>> softplus(np.array([-1e4, 1e4]))
    array([    0., 10000.])
    """
    z = real_array(z, "softplus")
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


@dispatched
def log_sigmoid(z: Any) -> Any:
    """log(sigmoid(z)) = -softplus(-z), finite where sigmoid underflows to 0.

    Arguments and errors as `sigmoid`. Its derivative: `sigmoid(-z)`.

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

    Its derivatives: by x `log(y)`, by y `x / y`, which is 0 where x is 0.

    >>> xlogy(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    array([  0., -inf])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(x, 0), 0.0, np.multiply(x, np.log(y)))


@dispatched
def xlog1py(x: Any, y: Any) -> Any:
    """x log(1 + y), and 0 where x is 0, whatever y is.

    Args:
        x: weights of any shape.
        y: floats >= -1 whose shape broadcasts with x's.

    Returns:
        An array of the broadcast shape.

    Its derivatives: by x `log1p(y)`, by y `x / (1 + y)`, which is 0 where x is 0.

    >>> xlog1py(np.array([0.0, 2.0]), np.array([-1.0, 1e-20]))
    array([0.e+00, 2.e-20])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(x, 0), 0.0, np.multiply(x, np.log1p(y)))[()]


@dispatched
def entr(x: Any) -> Any:
    """-x log(x), a term of the entropy: 0 at 0, and -inf below 0.

    Args:
        x: floats of any shape.

    Returns:
        An array of x's shape and dtype.

    Raises:
        DTypeError: x is complex.

    Its derivative: `-log(x) - 1`, which is inf at 0, and nan below.

    >>> entr(np.array([-1.0, 0.0, 1.0]))
    array([-inf,   0.,   0.])
    """
    x = real_array(x, "entr")
    with np.errstate(divide="ignore", invalid="ignore"):
        # 0.0 - ..., as -(1 log 1) would be -0.
        y = 0.0 - x * np.log(x)
    return np.where(x > 0, y, np.where(x == 0, 0.0, np.where(x < 0, -np.inf, x)))[()]


@dispatched
def binary_log_loss(y: Any, t: Any) -> Any:
    """-(t log(y) + (1 - t) log(1 - y)), a term of weight 0 counting 0.

    Its derivative by y: `-t/y + (1 - t)/(1 - y)`.

    >>> binary_log_loss(np.array([0.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0]))
    array([ 0.,  0., inf])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        other = np.where(np.equal(t, 1), 0.0, _rest(t, y) * np.log1p(-y))
        return 0.0 - xlogy(t, y) - other


@dispatched
def sigmoid_log_loss(z: Any, t: Any) -> Any:
    """binary_log_loss(sigmoid(z), t) = softplus(z) - t z, without overflow.

    Its derivative by z: `sigmoid(z) - t`.

    >>> sigmoid_log_loss(np.array([50.0, -1e4]), np.array([0.0, 1.0]))
    array([   50., 10000.])
    """
    z = real_array(z, "sigmoid_log_loss")
    # max(z, 0) - t z, each half written so that its large terms vanish exactly for t = 0 and 1.
    positive = np.where(z > 0, _rest(t, z) * np.maximum(z, 0), -t * np.minimum(z, 0))
    return positive + np.log1p(np.exp(-np.abs(z)))


def _rest(t: Any, y: Any) -> Any:
    """1 - t in the dtype of t and y together: in float32 it would cost a float64 y its digits."""
    return np.ones((), np.result_type(t, y)) - t


# fmt: off
RULES: Table = {
    sigmoid:          (lambda g, y, z: g * (y * (1 - y)),),
    softplus:         (lambda g, y, z: g * sigmoid(z),),
    log_sigmoid:      (lambda g, y, z: g * sigmoid(-z),),
    logit:            (lambda g, z, y: g / (y * (1 - y)),),
    xlogy:            (lambda g, y, x, z: g * np.log(z),
                       lambda g, y, x, z: g * ratio(x, z)),
    xlog1py:          (lambda g, y, x, z: g * np.log1p(z),
                       lambda g, y, x, z: g * ratio(x, 1 + z)),
    entr:             (lambda g, y, x: -g * (np.log(x) + 1),),
    binary_log_loss:  (lambda g, loss, y, t: g * (ratio(_rest(t, y), _rest(y, t)) - ratio(t, y)),
                       lambda g, loss, y, t: g * np.log1p(-y) - g * np.log(y)),
    sigmoid_log_loss: (lambda g, loss, z, t: g * (sigmoid(z) - t),
                       lambda g, loss, z, t: -g * z),
}
# fmt: on
