"""Small functions of stacks of matrices, shared by the families of linear algebra.

Each stands for the last two axes; what lies before them is a stack. They are made of functions of
the table, so that rules written with them can be differentiated again.
"""

from typing import Any

import numpy as np

from tinygrad_ce.rules.support import conj, ratio

__all__ = [
    "absent",
    "adjoint",
    "as_columns",
    "diagonal_of",
    "guarded",
    "of_triangle",
    "over_gaps",
    "precision",
    "transposed",
]


def transposed(x: Any) -> Any:
    """The transposed matrices."""
    return x.T if x.ndim == 2 else np.swapaxes(x, -1, -2)


def adjoint(x: Any) -> Any:
    """The conjugate transposed matrices."""
    return conj(transposed(x))


def as_columns(x: Any, like: Any) -> Any:
    """x with an axis for one column, where `like` is a vector."""
    return np.expand_dims(x, -1) if like.ndim == 1 else x


def diagonal_of(x: Any) -> Any:
    """The matrices without what lies beside their diagonal."""
    return np.where(np.eye(x.shape[-1], dtype=bool), x, 0.0)


def precision(x: Any) -> float:
    """The rounding unit of x's dtype."""
    return float(np.finfo(x.dtype).eps)


def absent(g: Any) -> bool:
    """Whether a gradient is a constant 0, so that its part of a formula can be left out."""
    return type(g) is np.ndarray and not g.any()


def of_triangle(g: Any, upper: Any) -> Any:
    """The gradient by the triangle that was read, from that by the whole Hermitian matrix.

    What is read at (i, j) stands at (j, i) too, conjugated; of the diagonal the real part is read.
    """
    n = g.shape[-1]
    strict = np.tri(n, k=-1, dtype=bool)
    both = np.where(strict.T if upper else strict, g + adjoint(g), 0.0)
    return both + diagonal_of(np.real(g))


def over_gaps(x: Any, values: Any, g: Any) -> Any:
    """x_ij / (values_j - values_i), and 0 on the diagonal, where x = V^H g.

    Vectors of equal values are no functions of the matrix, and where one of them has a gradient,
    what it should become is not in x: nan. Even x_ij = 0 may come of a difference that should have
    been divided by their distance.
    """
    one, (gaps, equal) = np.eye(values.shape[-1], dtype=bool), _gaps(values)
    lost = np.logical_and(_shared(equal), np.any(np.not_equal(g, 0), axis=-2, keepdims=True))
    # Not masked but divided by 0, so that a second derivative is nan there.
    parts = ratio(np.where(one, 0.0, x), np.where(equal, 0.0, gaps) + one)
    return np.where(lost, np.nan, parts)


def guarded(vectors: Any, values: Any) -> Any:
    """The vectors; the derivative by those of equal values, which they do not have, is nan."""
    zero = vectors - vectors
    return vectors + ratio(zero, np.where(_shared(_gaps(values)[1]), 0.0, 1.0))


def _gaps(values: Any) -> tuple[Any, Any]:
    """At (i, j) values_j - values_i, and whether it is less than their rounding."""
    gaps = np.expand_dims(values, -2) - np.expand_dims(values, -1)
    rounding = values.shape[-1] * precision(values) * np.sum(np.abs(values), axis=-1, keepdims=True)
    return gaps, np.less_equal(np.abs(gaps), np.expand_dims(rounding, -1))


def _shared(equal: Any) -> Any:
    """Which values another one is equal to, as a row."""
    others = ~np.eye(equal.shape[-1], dtype=bool)
    return np.any(np.logical_and(equal, others), axis=-2, keepdims=True)
