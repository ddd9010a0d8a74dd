"""Functions the rules are written with, all plain NumPy of arrays.

Those that stand in the table have rules themselves, and Tensors arrive at them like at NumPy's own;
the others are made of functions that have. So rules can be differentiated.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_ce.dispatch import dispatched
from tinygrad_ce.rules.kinds import Several, Table

__all__ = [
    "RULES", "astype", "axes_of", "conj", "kept", "laid_along", "masked", "output", "ratio",
    "spread", "sum_to", "weigh",
]  # fmt: skip


@lru_cache(maxsize=64)
def _ones(n: int, dtype: Any) -> Any:
    return np.ones(n, dtype)


@dispatched
def sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """The sum of x over the axes along which `shape` would be broadcast to x's shape.

    >>> sum_to(np.ones((4, 3)), (3,))
    array([4., 4., 4.])
    >>> sum_to(np.ones((4, 3)), (4, 1)).shape
    (4, 1)
    """
    lead = x.ndim - len(shape)
    if x.ndim == 2 and lead == 1 and shape[0] == x.shape[1] and x.dtype.char in "fd":
        # The sum of a small matrix's rows, five times as fast as its .sum(0).
        return _ones(len(x), x.dtype).dot(x)
    axes = tuple(range(lead)) + tuple(
        lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1
    )
    return np.sum(x, axis=axes, keepdims=True).reshape(shape)


@dispatched
def astype(x: Any, dtype: Any) -> Any:
    """x with another dtype, as `x.astype(dtype)`.

    >>> astype(np.float32(1), np.float64).dtype
    dtype('float64')
    """
    return np.asarray(x).astype(dtype) if np.isscalar(x) else x.astype(dtype)


_WHOLE = {np.dtype(np.float64): np.int64, np.dtype(np.float32): np.int32}
_MANY = 4096


def _where(mask: Any, x: Any) -> Any:
    """x where the mask is true, and 0 elsewhere, whatever x is there: `np.where(mask, x, 0.0)`.

    np.where takes a branch for every entry, at ten times the cost of a product where a mask has no
    pattern. The bits of x times 0 or 1 take none.
    """
    whole = _WHOLE.get(x.dtype) if type(x) is np.ndarray and x.size >= _MANY else None
    if whole is None or type(mask) is not np.ndarray or mask.dtype != bool:
        return np.where(mask, x, 0.0)
    return np.multiply(x.view(whole), mask.view(np.int8)).view(x.dtype)


@dispatched
def ratio(x: Any, y: Any) -> Any:
    """x / y, and 0 where x is 0, whatever y is: a term with no weight has no ratio either.

    >>> ratio(np.array([0.0, 1.0]), np.array([0.0, 4.0]))
    array([0.  , 0.25])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return _where(np.not_equal(x, 0), np.divide(x, y))


@dispatched
def weigh(w: Any, x: Any) -> Any:
    """w * x, and 0 where w is 0, whatever x is: `0 log 0 = 0`.

    >>> weigh(np.array([0.0, 2.0]), np.array([-np.inf, 3.0]))
    array([0., 6.])
    """
    with np.errstate(invalid="ignore"):
        return _where(np.not_equal(w, 0), np.multiply(w, x))


@dispatched
def masked(x: Any, mask: Any) -> Any:
    """x where the mask is true, and 0 elsewhere, whatever x is there: `np.where(mask, x, 0.0)`.

    >>> masked(np.array([1.0, np.inf]), np.array([True, False]))
    array([1., 0.])
    """
    return _where(mask, x)


_NUMBERS = (np.float64, np.float32)


@dispatched
def spread(g: Any, shape: tuple[int, ...], axis: Any = None, keepdims: bool = False) -> Any:
    """g copied along the axes of `shape` that a sum took away: the transpose of that sum.

    A view that cannot be written, as from `np.broadcast_to`, at half its cost.

    >>> spread(np.array([1.0, 2.0]), (2, 3), axis=1)
    array([[1., 1., 1.],
           [2., 2., 2.]])
    """
    n = len(shape)
    axis = axis if n else None  # a number may be summed over axis 0
    if axis is None and not keepdims and type(g) in _NUMBERS:
        strides: tuple[int, ...] = (0,) * n
    elif type(g) is np.ndarray and g.size and g.flags.c_contiguous:
        summed = range(n) if axis is None else [a % n for a in (axis if np.ndim(axis) else (axis,))]
        steps = iter(g.strides)
        strides = tuple(
            (0 * next(steps) if keepdims else 0) if i in summed else next(steps) for i in range(n)
        )
    else:
        return np.broadcast_to(kept(g, axis, keepdims), shape)
    view: Any = np.ndarray(shape, g.dtype, g, 0, strides)
    view.setflags(write=False)
    return view


@dispatched
def output(values: Any, i: int) -> Any:
    """One of the results of a function that has several.

    >>> output((1.0, 2.0), 1)
    2.0
    """
    return values[i]


def _output(g: Any, y: Any, values: Any, i: int) -> Several:
    return Several(g if k == i else None for k in range(len(values)))


def conj(x: Any) -> Any:
    """The complex conjugate; a real array itself."""
    return np.conjugate(x) if np.iscomplexobj(x) else x


def kept(g: Any, axis: Any, keepdims: bool) -> Any:
    """A reduction's gradient with the reduced axes put back, so that it broadcasts."""
    return g if keepdims or axis is None else np.expand_dims(g, axis)


def axes_of(axis: Any, ndim: int, allow_duplicate: bool = False) -> tuple[int, ...]:
    """The axes meant, counted from the front: one, several, or all for None.

    >>> axes_of(-1, 3), axes_of(None, 2)
    ((2,), (0, 1))
    """
    axis = range(ndim) if axis is None else axis
    return normalize_axis_tuple(axis, ndim, allow_duplicate=allow_duplicate)


def laid_along(x: Any, axis: int, ndim: int) -> Any:
    """A vector with ndim axes, of which its entries lie along one.

    >>> laid_along(np.array([1.0, 2.0]), -2, 2)
    array([[1.],
           [2.]])
    """
    return np.reshape(x, tuple(-1 if k == axis % ndim else 1 for k in range(ndim)))


# fmt: off
RULES: Table = {
    spread: (lambda g, y, x, shape, axis=None, keepdims=False:
             np.sum(g, axis=axis, keepdims=keepdims),),
    output: (_output,),
    sum_to: (lambda g, y, x, shape: np.broadcast_to(g, x.shape),),
    astype: (lambda g, y, x, dtype: g,),
    masked: (lambda g, y, x, mask: masked(g, mask), None),
    ratio:  (lambda g, y, x, z: ratio(g, z),
             lambda g, y, x, z: -ratio(g * y, z)),
    weigh:  (lambda g, y, w, x: weigh(g, x),
             lambda g, y, w, x: weigh(w, g)),
}
# fmt: on
