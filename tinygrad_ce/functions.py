"""Activations, softmax, special functions: functions of arrays that work on Tensors too.

Complex numbers are refused (DTypeError), but for softmax, log_softmax, logsumexp, xlogy and
xlog1py, which are analytic.
"""

import math
from typing import Any, Literal

import numpy as np

from tinygrad_ce.dispatch import real_array
from tinygrad_ce.options import numbers, one_of
from tinygrad_ce.rules.erf import erf, erfc, erfinv
from tinygrad_ce.rules.gamma import digamma, lgamma, polygamma
from tinygrad_ce.rules.softmax import log_softmax, logsumexp, softmax
from tinygrad_ce.rules.special import (
    entr,
    log_sigmoid,
    logit,
    sigmoid,
    softplus,
    xlog1py,
    xlogy,
)

__all__ = [
    "digamma",
    "elu",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "gelu",
    "leaky_relu",
    "lgamma",
    "log_sigmoid",
    "log_softmax",
    "logit",
    "logsumexp",
    "polygamma",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "xlog1py",
    "xlogy",
]


def relu(x: Any) -> Any:
    """max(x, 0). Its derivative: 1 for x > 0, otherwise 0.

    Args:
        x: real numbers of any shape.

    Returns:
        An array of x's shape and dtype.

    Raises:
        DTypeError: x is complex.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.maximum(real_array(x, "relu"), 0)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x where x > 0, otherwise negative_slope * x. At 0 its derivative is negative_slope.

    Arguments and errors as `relu`.

    >>> leaky_relu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    x = real_array(x, "leaky_relu")
    numbers("negative_slope", negative_slope)
    return np.where(x > 0, x, negative_slope * x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, otherwise alpha (exp(x) - 1) (Clevert, Unterthiner, Hochreiter 2016).

    Its derivative: 1 for x > 0, otherwise alpha exp(x). Arguments and errors as `relu`.

    >>> elu(np.array([-1e4, 2.0]))
    array([-1.,  2.])
    """
    x = real_array(x, "elu")
    numbers("alpha", alpha)
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0.0, x)))


def gelu(x: Any, approximate: Literal["none", "tanh"] = "none") -> Any:
    """x times the normal distribution function at x (Hendrycks and Gimpel 2016).

    Its derivative: Phi(x) + x exp(-x^2/2) / sqrt(2 pi). `approximate="tanh"` is the paper's
    formula with tanh. Arguments and errors as `relu`.

    >>> gelu(np.array([-1.0, 1.0]))
    array([-0.15865525,  0.84134475])
    """
    x = real_array(x, "gelu")
    if approximate == "tanh":
        # (1 + tanh(u)) / 2 is sigmoid(2 u), which is 0 or 1 long before u^3 overflows.
        v = np.clip(x, -30, 30)
        u = math.sqrt(2 / math.pi) * (v + 0.044715 * v * v * v)
        # Below 1/2, where sigmoid's slope y (1 - y) is exact to the last digits.
        rest = v * sigmoid(2 * np.where(v > 0, -u, u))
        return np.where(v > 0, x - rest, rest)
    one_of("approximate", approximate, ("none", "tanh"))
    return 0.5 * x * erfc(-x * math.sqrt(0.5))


def silu(x: Any) -> Any:
    """x sigmoid(x), also called swish (Hendrycks and Gimpel 2016).

    Its derivative: s + x s (1 - s) with s = sigmoid(x). Arguments and errors as `relu`.

    >>> silu(np.array([0.0, 1e4]))
    array([    0., 10000.])
    """
    x = real_array(x, "silu")
    return x * sigmoid(x)
