"""Class labels: rows with a one at each label, and the cross-entropy of softmax by labels.

`softmax_log_loss` is defined by a sum over all classes, of which the label's alone is not 0. That
is what programs are made of, and where `derive` finds `y - t`. On arrays a quarter of the passes
do: the label's entry is read, and the rule is what the chain rule comes to, `y - t`.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_ce.dispatch import dispatched, is_plain
from tinygrad_ce.rules.kinds import Shortcut, Table
from tinygrad_ce.rules.softmax import below_max, log_softmax, softmax
from tinygrad_ce.rules.support import weigh

__all__ = ["RULES", "ones_at", "softmax_log_loss", "y_minus_t"]


@dispatched
def ones_at(labels: Any, n: int, dtype: DTypeLike) -> Any:
    """Rows of n zeros with a one at each label.

    >>> ones_at(np.array([1, 0]), 2, float)
    array([[0., 1.],
           [1., 0.]])
    """
    rows = np.zeros((labels.size, n), dtype)
    rows[np.arange(labels.size), labels.ravel()] = 1
    return rows.reshape(*labels.shape, n)


@dispatched
def softmax_log_loss(z: Any, labels: Any, axis: int = -1) -> Any:
    """-log(softmax(z)) at the labels, of logits z with the classes along an axis.

    >>> softmax_log_loss(np.array([[1e4, 0.0], [0.0, 0.0]]), np.array([1, 0]))
    array([1.00000000e+04, 6.93147181e-01])
    """
    if not is_plain(z):
        return _softmax_log_loss(z, labels, axis)
    return _losses_and_terms(z, labels, axis)[0]


def _losses_and_terms(z: Any, labels: Any, axis: int) -> tuple[Any, Any, Any]:
    """The losses; and exp(z - max(z)) with its sums, which softmax is the quotient of."""
    _, shifted = below_max(z, axis)
    right = shifted[_at(labels, axis)]
    e = np.exp(shifted, out=shifted if shifted.dtype.kind in "fc" else None)
    total = np.sum(e, axis=axis, keepdims=True)
    return np.log(np.squeeze(total, axis)) - right, e, total


def _kept(z: Any, labels: Any, axis: int = -1) -> tuple[Any, Any]:
    """The losses, and how a gradient by them goes on: softmax is half computed already."""
    losses, y, total = _losses_and_terms(z, labels, axis)
    y /= total
    return losses, lambda g: _minus_t(g, y, labels, axis, None)


def _softmax_log_loss(z: Any, labels: Any, axis: int = -1) -> Any:
    return 0.0 - np.sum(weigh(_ones_along(z, labels, axis), log_softmax(z, axis)), axis=axis)


@dispatched
def y_minus_t(g: Any, z: Any, labels: Any, axis: int = -1) -> Any:
    """g (y - t) for each example, where y = softmax(z) and t is 1 at the label, else 0.

    >>> y_minus_t(np.array([1.0]), np.array([[0.0, 0.0]]), np.array([1]))
    array([[ 0.5, -0.5]])
    """
    if not is_plain(z) or not is_plain(g) or g.dtype != z.dtype:
        return _y_minus_t(g, z, labels, axis)
    y = softmax(z, axis)
    return _minus_t(g, y, labels, axis, y)


def _minus_t(g: Any, y: Any, labels: Any, axis: int, out: Any) -> Any:
    """g (y - t), written to `out` where that is an array."""
    result = np.multiply(y, np.expand_dims(g, axis), out=out)
    result[_at(labels, axis)] -= g
    return result


def _y_minus_t(g: Any, z: Any, labels: Any, axis: int = -1) -> Any:
    g = np.expand_dims(g, axis)
    return g * softmax(z, axis) - g * _ones_along(z, labels, axis)


def _ones_along(z: Any, labels: Any, axis: int) -> Any:
    """t: of z's shape, with a one at each label."""
    t = ones_at(labels, z.shape[axis], z.dtype)
    return t if axis % z.ndim == z.ndim - 1 else np.moveaxis(t, -1, axis)


def _at(labels: Any, axis: int) -> Any:
    """The index of the labels' entries, in an array that has the axis of the classes as well."""
    n = labels.ndim
    places = [
        np.arange(size).reshape(-1, *(1,) * (n - 1 - k)) for k, size in enumerate(labels.shape)
    ]
    places.insert(axis % (n + 1), labels)
    return tuple(places)


def _by_g(h: Any, y: Any, g: Any, z: Any, labels: Any, axis: int = -1) -> Any:
    """sum((y - t) h), for each example."""
    return np.sum(softmax(z, axis) * h, axis=axis) - h[_at(labels, axis)]


def _by_z(h: Any, y: Any, g: Any, z: Any, labels: Any, axis: int = -1) -> Any:
    """t is constant, and g y has softmax's gradient."""
    y, h = softmax(z, axis), h * np.expand_dims(g, axis)
    return y * (h - np.sum(h * y, axis=axis, keepdims=True))


# fmt: off
RULES: Table = {
    softmax_log_loss:
        Shortcut(_softmax_log_loss, lambda g, y, z, labels, axis=-1: y_minus_t(g, z, labels, axis),
                 keeping=_kept),
    y_minus_t:
        Shortcut(_y_minus_t, _by_g, _by_z),
}
# fmt: on
