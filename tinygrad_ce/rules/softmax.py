"""softmax, log_softmax and logsumexp, exact over the whole range of the dtype.

The largest entry is subtracted first, so nothing overflows. Limits that exist are returned: an
entry of -inf has probability 0, a single entry of +inf has probability 1. A row of -inf alone has
logsumexp -inf with gradient 0; it has no softmax (nan).
"""

from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array, dispatched
from tinygrad_ce.rules.kinds import Table
from tinygrad_ce.rules.support import kept, sum_to, weigh

__all__ = [
    "RULES", "below_max", "log_softmax", "logsumexp", "softmax", "xlog_softmax"
]  # fmt: skip


def below_max(z: Any, axis: Any) -> tuple[Any, Any]:
    """The maximum along the axis, and z minus it; of complex numbers the real parts' alone, so
    that the logarithm of the sum is the principal one."""
    top = np.max(np.real(z) if z.dtype.kind == "c" else z, axis=axis, keepdims=True)
    if np.isfinite(top).all():
        return top, z - top
    with np.errstate(invalid="ignore"):
        one_infinite = (top == np.inf) & (np.sum(z == top, axis=axis, keepdims=True) == 1)
        return top, np.where(one_infinite & (z == top), 0, z - top)


@dispatched
def softmax(z: Any, axis: int = -1) -> Any:
    """Probabilities from logits: exp(z) / sum(exp(z)).

    Args:
        z: logits of any shape, floats.
        axis: the axis along which the results sum to 1.

    Returns:
        An array of z's shape and dtype.

    Its derivative (Bridle 1990): `dy_i/dz_j = y_i ([i = j] - y_j)`, so a gradient g by y becomes
    `y * (g - sum(g * y))` by z.

    >>> softmax(np.array([0.0, 0.0, 1e4]))
    array([0., 0., 1.])
    """
    _, shifted = below_max(as_array(z), axis)
    e = np.exp(shifted)
    return e / np.sum(e, axis=axis, keepdims=True)


@dispatched
def log_softmax(z: Any, axis: int = -1) -> Any:
    """The logarithm of softmax, z - logsumexp(z), finite where softmax underflows to 0.

    Args:
        z: logits of any shape, floats.
        axis: the axis along which the probabilities sum to 1.

    Returns:
        An array of z's shape and dtype.

    A gradient g by the result becomes `g - softmax(z) * sum(g)` by z.

    >>> log_softmax(np.array([1e4, 0.0]))
    array([     0., -10000.])
    """
    _, shifted = below_max(as_array(z), axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@dispatched
def logsumexp(z: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    """log(sum(exp(z))) without overflow: a smooth maximum.

    Args:
        z: floats of any shape.
        axis: one axis, a tuple of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Returns:
        An array of z's dtype without the reduced axes.

    Its gradient is softmax(z); 0 where every entry is -inf.

    >>> logsumexp(np.array([1000.0, 1000.0]))
    np.float64(1000.6931471805599)
    """
    z = as_array(z)
    top, shifted = below_max(z, axis)
    with np.errstate(invalid="ignore"):
        total = np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    result = np.where(np.isinf(top), top, top + total)
    return result if keepdims else np.squeeze(result, axis=axis)[()]


@dispatched
def xlog_softmax(t: Any, z: Any, axis: int = -1) -> Any:
    """t log(softmax(z)), and 0 where t is 0: the terms of the cross-entropy, from logits.

    >>> xlog_softmax(np.array([0.0, 1.0]), np.array([-np.inf, 0.0]))
    array([0., 0.])
    """
    return weigh(t, log_softmax(z, axis))


def _softmax(g: Any, y: Any, z: Any, axis: Any = -1) -> Any:
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def _log_softmax(g: Any, y: Any, z: Any, axis: Any = -1) -> Any:
    return g - softmax(z, axis) * np.sum(g, axis=axis, keepdims=True)


def _logsumexp(g: Any, y: Any, z: Any, axis: Any = -1, keepdims: Any = False) -> Any:
    """g softmax(z), not g exp(z - y): y is rounded, which costs digits at large z."""
    axis = axis if z.ndim else None  # a number may be summed over axis 0
    nothing = kept(y, axis, keepdims) == -np.inf
    return kept(g, axis, keepdims) * np.where(nothing, 0.0, softmax(z, axis))


def _xlog_softmax(g: Any, y: Any, t: Any, z: Any, axis: Any = -1) -> Any:
    """g t - softmax(z) sum(g t), which for g = -1 and t that sums to 1 is y - t."""
    g = sum_to(g * t, z.shape)
    return g - softmax(z, axis) * np.sum(g, axis=axis, keepdims=True)


# fmt: off
RULES: Table = {
    softmax:     (_softmax,),
    log_softmax: (_log_softmax,),
    logsumexp:   (_logsumexp,),
    xlog_softmax: (lambda g, y, t, z, axis=-1: sum_to(weigh(g, log_softmax(z, axis)), np.shape(t)),
                   _xlog_softmax),
}
# fmt: on
