"""Arrays built from the entries of others: diagonals, triangles, windows, powers, fills."""

from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array, dispatched
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.indexing import scatter
from tinygrad_ce.rules.kinds import Composed, Table
from tinygrad_ce.rules.support import astype, axes_of

__all__ = ["RULES", "overlapped"]

_sliding_window_view = np.lib.stride_tricks.sliding_window_view


def _diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 1:
        return _diagflat(v, k)
    if v.ndim != 2:
        raise ValueError("Input must be 1- or 2-d.")
    return np.diagonal(v, k)


def _diagflat(v: Any, k: int = 0) -> Any:
    v = np.ravel(v)
    n = v.size + abs(k)
    i = np.arange(v.size)
    return scatter(v, (i + max(-k, 0), i + max(k, 0)), (n, n))


def _lower(m: Any, k: int) -> Any:
    rows, columns = m.shape[-2:] if m.ndim > 1 else 2 * m.shape
    return np.tri(rows, columns, k, dtype=bool)


def _tril(m: Any, k: int = 0) -> Any:
    return np.where(_lower(m, k), m, np.zeros(1, m.dtype))


def _triu(m: Any, k: int = 0) -> Any:
    return np.where(_lower(m, k - 1), np.zeros(1, m.dtype), m)


def _vander(x: Any, N: Any = None, increasing: bool = False) -> Any:  # noqa: N803  NumPy's name
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    powers = np.arange(x.size if N is None else N)
    columns = np.power(np.expand_dims(x, 1), powers if increasing else powers[::-1])
    return astype(columns, np.promote_types(x.dtype, int))


def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
) -> Any:
    """The array says what dtype and shape to make, and the gradient is the fill value's."""
    fill = as_array(fill_value)
    dtype = np.dtype(np.result_type(a) if dtype is None else dtype)
    if not np.can_cast(fill.dtype, dtype, "same_kind"):
        raise UnsupportedError(
            f"np.full_like was to fill an array of {dtype} with {fill.dtype}",
            "the values would be cast, by which a gradient would be lost",
            f"pass dtype={fill.dtype}",
        )
    made = np.zeros_like(a, dtype=dtype, shape=shape)
    return np.where(True, np.broadcast_to(astype(fill, dtype), made.shape), made)


def _real_if_close(a: Any, tol: float = 100) -> Any:
    if not np.iscomplexobj(a):
        return a
    bound = tol * np.finfo(a.dtype).eps if tol > 1 else tol
    return np.real(a) if np.all(np.abs(np.imag(a)) < bound) else a


@dispatched
def overlapped(
    x: Any, shape: tuple[int, ...], window_shape: tuple[int, ...], axes: tuple[int, ...]
) -> Any:
    """Windows added where they came from: the transpose of `sliding_window_view`.

    >>> overlapped(np.ones((3, 2)), (4,), (2,), (0,))
    array([1., 2., 2., 1.])
    """
    out = np.zeros(shape, x.dtype)
    for offset in np.ndindex(window_shape):
        starts = [0] * len(shape)
        for axis, k in zip(axes, offset):
            starts[axis] += k
        out[tuple(slice(k, k + n) for k, n in zip(starts, x.shape))] += x[(..., *offset)]
    return out


def _windows(
    g: Any,
    y: Any,
    x: Any,
    window_shape: Any,
    axis: Any = None,
    *,
    subok: Any = False,
    writeable: Any = False,
) -> Any:
    lengths = window_shape if np.ndim(window_shape) else (window_shape,)
    return overlapped(g, x.shape, tuple(lengths), axes_of(axis, x.ndim, allow_duplicate=True))


# fmt: off
RULES: Table = {
    np.diag:              Composed(_diag),
    np.diagflat:          Composed(_diagflat),
    np.tril:              Composed(_tril),
    np.triu:              Composed(_triu),
    np.vander:            Composed(_vander),
    np.full_like:         Composed(_full_like),
    np.real_if_close:     Composed(_real_if_close),
    np.empty_like:        None,
    _sliding_window_view: (_windows,),
    overlapped:           (lambda g, y, x, shape, window_shape, axes:
                           _sliding_window_view(g, window_shape, axes),),
}
# fmt: on
