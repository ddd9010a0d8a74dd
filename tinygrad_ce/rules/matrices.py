"""Small functions of stacks of matrices, shared by the families of `numpy.linalg`.

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


def over_gaps(x: Any, values: Any) -> Any:
    """x_ij / (values_j - values_i), and 0 on the diagonal.

    Values that differ by less than their rounding are taken for equal: 0 where x_ij is 0, else
    infinite. The difference would be noise, and so would all that is divided by it.
    """
    one = np.eye(values.shape[-1], dtype=values.dtype)
    gaps = np.expand_dims(values, -2) - np.expand_dims(values, -1)
    rounding = precision(values) * np.sum(np.abs(values), axis=-1, keepdims=True)
    gaps = np.where(np.abs(gaps) > np.expand_dims(rounding, -1), gaps, 0.0)
    return ratio(np.where(one, 0.0, x), gaps + one)
