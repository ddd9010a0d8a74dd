"""Functions that the library composes of smaller ones, each here as one step with its own rule."""

from typing import Any

import numpy as np

from tinygrad_ce.rules.softmax import log_softmax, softmax
from tinygrad_ce.rules.support import weigh
from tinygrad_ce.rules.table import primitive

__all__ = ["layer_norm", "softmax_cross_entropy"]

EPS = 1e-5


def _layer_norm_by_x(g: Any, y: Any, x: Any) -> Any:
    """With s the deviation: (g - mean(g) - y mean(g y)) / s. x moves the mean and s as well."""
    s = np.sqrt(np.mean((x - np.mean(x, axis=-1, keepdims=True)) ** 2, -1, keepdims=True) + EPS)
    mean = np.mean(g, axis=-1, keepdims=True)
    return (g - mean - y * np.mean(g * y, axis=-1, keepdims=True)) / s


@primitive(rules=(_layer_norm_by_x,))
def layer_norm(x: Any) -> Any:
    """(x - m) / sqrt(v + 1e-5), m and v the mean and variance along the last axis.

    >>> layer_norm(np.array([1.0, 3.0])).round(4)
    array([-1.,  1.])
    """
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + EPS)


def _softmax_cross_entropy_by_z(g: Any, y: Any, z: Any, t: Any) -> Any:
    """softmax(z) sum(t) - t, the y - t of the books where t sums to 1; y is the loss here."""
    return np.expand_dims(g, -1) * (softmax(z) * np.sum(t, axis=-1, keepdims=True) - t)


@primitive(rules=(_softmax_cross_entropy_by_z, None))
def softmax_cross_entropy(z: Any, t: Any) -> Any:
    """-sum(t log(softmax(z))) along the last axis: a loss for each example.

    >>> softmax_cross_entropy(np.array([0.0, 0.0]), np.array([1.0, 0.0]))
    np.float64(0.6931471805599453)
    """
    return 0.0 - np.sum(weigh(t, log_softmax(z)), axis=-1)
