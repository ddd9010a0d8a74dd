"""Products of vectors, stacks of vectors, and blocks: vecdot, cross, kron and their like.

vdot, vecdot and vecmat take the complex conjugate of their first operand, as NumPy's do.
"""

import math
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array
from tinygrad_ce.rules.kinds import Composed, Entry, Table, present
from tinygrad_ce.rules.matrices import transposed
from tinygrad_ce.rules.support import conj, sum_to

__all__ = ["RULES"]


def _along(g: Any, x: Any, other: Any, axis: int) -> Any:
    """g times the other vectors, laid along the axis of x, in x's shape."""
    other = np.moveaxis(other, axis, -1)
    if x.ndim == 1 and other.shape[:-1] == g.shape:
        return np.reshape(g, -1) @ np.reshape(other, (g.size, other.shape[-1]))
    product = np.expand_dims(g, -1) * other
    shape = np.moveaxis(x, axis, -1).shape
    return np.moveaxis(sum_to(product, shape), -1, axis)


def _vecdot_left(g: Any, y: Any, x1: Any, x2: Any, axis: int = -1) -> Any:
    return conj(_along(g, x1, x2, axis))


def _vecdot_right(g: Any, y: Any, x1: Any, x2: Any, axis: int = -1) -> Any:
    return _along(g, x2, conj(x1), axis)


def _matvec_vector(g: Any, y: Any, x1: Any, x2: Any) -> Any:
    return np.matvec(transposed(x1), g)


def _vecmat_vector(g: Any, y: Any, x1: Any, x2: Any) -> Any:
    return conj(np.matvec(x2, g))


def _columns_times_rows(a: Any, b: Any, x: Any) -> Any:
    """a b^T; for one matrix x that met many vectors their sum, which is a matrix product."""
    if x.ndim == 2 and a.shape[:-1] == b.shape[:-1]:
        count = math.prod(a.shape[:-1])  # not -1: there may be no entries to tell it
        return np.reshape(a, (count, a.shape[-1])).T @ np.reshape(b, (count, b.shape[-1]))
    return np.expand_dims(a, -1) * np.expand_dims(b, -2)


def _linalg_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return np.vecdot(x1, x2, axis=axis)  # type: ignore[call-overload]  # its stub lacks axis


def _vdot(a: Any, b: Any, /) -> Any:
    return np.dot(conj(np.ravel(as_array(a))), np.ravel(as_array(b)))


def _kron(a: Any, b: Any) -> Any:
    """Every entry of a times the whole of b: a's axes in front of b's, then merged in pairs."""
    a, b = as_array(a), as_array(b)
    n = max(a.ndim, b.ndim)
    shape_a = (1,) * (n - a.ndim) + a.shape
    shape_b = (1,) * (n - b.ndim) + b.shape
    if not a.ndim or not b.ndim:
        return np.multiply(a, b)
    blocks = np.reshape(a, tuple(k for m in shape_a for k in (m, 1)))
    entries = np.reshape(b, tuple(k for m in shape_b for k in (1, m)))
    return np.reshape(blocks * entries, tuple(i * j for i, j in zip(shape_a, shape_b)))


def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    """(a2 b3 - a3 b2, a3 b1 - a1 b3, a1 b2 - a2 b1): turned by one and by two places."""
    if axis is not None:
        axisa, axisb, axisc = (axis,) * 3
    a, b = np.moveaxis(as_array(a), axisa, -1), np.moveaxis(as_array(b), axisb, -1)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ValueError("incompatible dimensions for cross product (dimension must be 2 or 3)")
    if a.shape[-1] == b.shape[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = _in_space(a), _in_space(b)
    found = np.roll(a, -1, -1) * np.roll(b, -2, -1) - np.roll(a, -2, -1) * np.roll(b, -1, -1)
    return np.moveaxis(found, -1, axisc)


def _in_space(a: Any) -> Any:
    """Vectors of the plane with a third component 0."""
    if a.shape[-1] == 3:
        return a
    return np.concatenate([a, np.zeros((*a.shape[:-1], 1), a.dtype)], axis=-1)


def _cross_in_space(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, but they are "
            f"{x1.shape[axis]} and {x2.shape[axis]} dimensional instead."
        )
    return _cross(x1, x2, axis=axis)


def _outer_of_vectors(x1: Any, x2: Any, /) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            "Input arrays must be one-dimensional, but they are "
            f"x1.ndim={x1.ndim} and x2.ndim={x2.ndim}."
        )
    return np.outer(x1, x2)


def _tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return np.tensordot(x1, x2, axes)


def _matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


# Functions that the oldest NumPy we run on does not have.
_NEWER: dict[str, Entry] = {
    "matvec": (lambda g, y, x1, x2: _columns_times_rows(g, x2, x1), _matvec_vector),
    "vecmat": (_vecmat_vector, lambda g, y, x1, x2: _columns_times_rows(conj(x1), g, x2)),
}

# fmt: off
RULES: Table = {
    np.vecdot:           (_vecdot_left, _vecdot_right),
    np.vdot:             Composed(_vdot),
    np.kron:             Composed(_kron),
    np.cross:            Composed(_cross),
    np.linalg.cross:     Composed(_cross_in_space),
    np.linalg.outer:     Composed(_outer_of_vectors),
    np.linalg.tensordot: Composed(_tensordot),
    np.linalg.matmul:    Composed(_matmul),
    np.linalg.vecdot:    Composed(_linalg_vecdot),
    **present(_NEWER),
}
# fmt: on
